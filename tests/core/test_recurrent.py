"""The recurrent layers against the reference, and what must hold of every core on any batch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd import gradcheck
from torch.nn.utils.rnn import pack_padded_sequence

from rnncli.core.paths import torch_rows
from rnncli.core.recurrent import Recurrent

from .layers import (
    CELLS,
    INPUT,
    TRANSFORMERS,
    any_module,
    any_state,
    assert_near,
    by_reference,
    draw_state,
    gradients,
    module,
    outer,
    parts,
)

TOLERANCES = {torch.float64: (1e-12, 1e-10), torch.float32: (1e-5, 1e-4)}

every_cell = pytest.mark.parametrize("name", CELLS)
every_core = pytest.mark.parametrize("name", [*CELLS, *TRANSFORMERS])
lengths_lists = st.lists(st.integers(0, 7), min_size=1, max_size=5)


@every_cell
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    lengths=lengths_lists,
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    learnt=st.booleans(),
    extra=st.integers(0, 2),
    single=st.booleans(),
)
def test_outputs_states_and_gradients_are_the_references(name, lengths, layers, bidirectional, learnt, extra, single):
    steps = max(lengths) + extra
    core = module(name, layers=layers, bidirectional=bidirectional, learnt_initial_state=learnt)
    x_BTI = torch.randn(len(lengths), steps, INPUT, dtype=torch.float64, requires_grad=True)
    begin = tuple(part.requires_grad_() for part in draw_state(core, len(lengths)))
    y_true, end_true = by_reference(core, x_BTI, lengths, begin)
    truth = gradients(core, [y_true, *end_true], x_BTI, *begin)

    dtype = torch.float32 if single else torch.float64
    tolerance, gradient_tolerance = TOLERANCES[dtype]
    core = core.to(dtype)
    x = x_BTI.detach().to(dtype).requires_grad_()
    state = tuple(part.detach().to(dtype).requires_grad_() for part in begin)
    y_BTE, end = core(x, torch.tensor(lengths), outer(state))
    assert_near(y_BTE, y_true, tolerance)
    for ours, expected in zip(parts(end), end_true, strict=True):
        assert_near(ours, expected, tolerance)
    for ours, expected in zip(gradients(core, [y_BTE, *parts(end)], x, *state), truth, strict=True):
        assert_near(ours, expected, gradient_tolerance)


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_pass_gradcheck_on_unequal_lengths(name, bidirectional):
    core = module(name, bidirectional=bidirectional, learnt_initial_state=True)
    names = [name for name, _ in core.named_parameters()]
    x_BTI = torch.randn(3, 3, INPUT, dtype=torch.float64, requires_grad=True)

    def run(x_BTI, *parameters):
        given = dict(zip(names, parameters, strict=True))
        y_BTE, end = torch.func.functional_call(core, given, (x_BTI, torch.tensor([3, 0, 1])))
        return y_BTE, *parts(end)

    assert gradcheck(run, (x_BTI, *core.parameters()), fast_mode=True)


@every_core
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_nothing_in_the_padding_leaks(name, value):
    core = any_module(name, bidirectional=True, layers=2)
    lengths_B = torch.tensor([2, 5, 0, 1])
    clean = torch.randn(4, 5, INPUT, dtype=torch.float64)
    padding = torch.arange(5) >= lengths_B[:, None]
    clean[padding] = 0
    dirty = clean.clone()
    dirty[padding] = value
    dirty.requires_grad_()
    y_clean, end_clean = core(clean, lengths_B)
    y_dirty, end_dirty = core(dirty, lengths_B)
    assert torch.equal(y_clean, y_dirty)
    assert all(torch.equal(a, b) for a, b in zip(parts(end_clean), parts(end_dirty), strict=True))
    found = gradients(core, [y_dirty, *parts(end_dirty)], dirty)
    assert all(gradient.isfinite().all() for gradient in found)
    assert not found[-1][padding].any()
    assert not y_dirty[padding].any()


@every_core
@settings(max_examples=8, deadline=None, derandomize=True)
@given(lengths=lengths_lists, order=st.randoms(use_true_random=False), extra=st.integers(0, 4))
def test_an_example_does_not_see_its_batch_mates(name, lengths, order, extra):
    core = any_module(name, bidirectional=True, layers=2)
    steps = max(lengths)
    x_BTI = torch.randn(len(lengths), steps, INPUT, dtype=torch.float64)
    y_BTE, end = core(x_BTI, torch.tensor(lengths))
    shuffled = list(range(len(lengths)))
    order.shuffle(shuffled)
    longer = torch.cat([x_BTI[shuffled], torch.randn(len(lengths), extra, INPUT, dtype=torch.float64)], 1)
    y_mixed, end_mixed = core(longer, torch.tensor(lengths)[shuffled])
    assert_near(y_mixed[:, :steps], y_BTE[shuffled], 1e-12)
    for b, length in enumerate(lengths):
        y_alone, end_alone = core(x_BTI[b : b + 1, :length])
        assert_near(y_BTE[b : b + 1, :length], y_alone, 1e-12)
        for part, alone, mixed in zip(parts(end), parts(end_alone), parts(end_mixed), strict=True):
            assert_near(part[:, b : b + 1], alone, 1e-12)
            assert_near(mixed[:, shuffled.index(b)], part[:, b], 1e-12)


@every_core
@settings(max_examples=8, deadline=None, derandomize=True)
@given(lengths=lengths_lists, cut=st.integers(0, 7))
def test_state_carried_across_chunks_equals_one_pass(name, lengths, cut):
    core = any_module(name, layers=2, learnt_initial_state=True)
    x_BTI = torch.randn(len(lengths), max(lengths), INPUT, dtype=torch.float64)
    lengths_B = torch.tensor(lengths)
    y_BTE, end = core(x_BTI, lengths_B)
    y_first, middle = core(x_BTI[:, :cut], lengths_B.clamp(max=cut))
    y_second, end_chunked = core(x_BTI[:, cut:], (lengths_B - cut).clamp(min=0), middle)
    assert_near(torch.cat([y_first, y_second], 1), y_BTE, 1e-12)
    for chunked, whole in zip(parts(end_chunked), parts(end), strict=True):
        assert_near(chunked, whole, 1e-12)


@every_core
@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("learnt", [True, False])
def test_single_steps_equal_one_pass_in_fp32(name, grad, learnt):
    core = any_module(name, dtype=torch.float32, layers=2, learnt_initial_state=learnt)
    x_BTI = torch.randn(2, 6, INPUT)
    with torch.set_grad_enabled(grad):
        y_BTE, end = core(x_BTI)
        state, outputs = None, []
        for t in range(6):
            y_B1E, state = core(x_BTI[:, t : t + 1], state=state)
            outputs.append(y_B1E)
    assert_near(torch.cat(outputs, 1), y_BTE, 1e-5)
    for chunked, whole in zip(parts(state), parts(end), strict=True):
        assert_near(chunked, whole, 1e-5)


@every_cell
def test_a_single_step_without_gradients_is_the_references_in_both_directions(name):
    core = module(name, layers=2, bidirectional=True)
    x_BTI, begin = torch.randn(3, 1, INPUT, dtype=torch.float64), draw_state(core, 3)
    y_true, end_true = by_reference(core, x_BTI, [1, 1, 1], begin)
    with torch.no_grad():
        y_BTE, end = core(x_BTI, state=outer(begin))
    assert_near(y_BTE, y_true, 1e-12)
    for ours, expected in zip(parts(end), end_true, strict=True):
        assert_near(ours, expected, 1e-12)


@every_core
def test_lengths_that_fill_the_batch_change_nothing(name):
    core = any_module(name, bidirectional=True, layers=2)
    x_BTI = torch.randn(3, 4, INPUT, dtype=torch.float64)
    for ours, expected in zip(core(x_BTI), core(x_BTI, torch.tensor([4, 4, 4])), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(parts(ours), parts(expected), strict=True))


@every_core
def test_without_steps_the_state_stays_where_it_began(name):
    core = any_module(name, bidirectional=True, layers=2)
    state = any_state(core, 3)
    for steps in (0, 4):
        x_BTI = torch.randn(3, steps, INPUT, dtype=torch.float64)
        y_BTE, end = core(x_BTI, torch.zeros(3, dtype=torch.long), outer(state))
        assert y_BTE.shape == (3, steps, core.output_size)
        assert not y_BTE.any()
        assert all(torch.equal(a, b) for a, b in zip(parts(end), state, strict=True))


@every_core
def test_no_steps_without_lengths_and_gradients_are_no_steps_either(name):
    core = any_module(name, dtype=torch.float32)
    state = any_state(core, 8, torch.float32)
    with torch.no_grad():
        y_BTE, end = core(torch.randn(8, 0, INPUT), None, outer(state))
    assert y_BTE.shape == (8, 0, core.output_size)
    assert all(torch.equal(a, b) for a, b in zip(parts(end), state, strict=True))


@every_core
def test_outputs_do_not_depend_on_whether_the_state_is_needed(name):
    core = any_module(name, bidirectional=True, layers=2, dtype=torch.float32)
    x_BTI, lengths_B = torch.randn(3, 5, INPUT), torch.tensor([5, 0, 2])
    y_BTE, state = core(x_BTI, lengths_B, need_state=False)
    assert state is None
    assert_near(y_BTE, core(x_BTI, lengths_B)[0], 1e-6)


def test_an_exploding_relu_stays_out_of_its_batch_mates_gradients():
    core = Recurrent(1, 2, cell="rnn", activation="relu")
    with torch.no_grad():
        core.weight_hh_l0.copy_(torch.eye(2) * 3)
        core.weight_ih_l0.fill_(1.0)
    y_BTE, _ = core(torch.ones(2, 100, 1), torch.tensor([3, 0]))
    y_BTE.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in core.parameters())


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("chunk", [1, 40, 2**20])
def test_chunks_and_the_absence_of_gradients_change_nothing(name, bidirectional, chunk, monkeypatch):
    monkeypatch.setattr(torch_rows, "CHUNK_ELEMENTS", chunk)
    core = module(name, layers=2, bidirectional=bidirectional)
    lengths = [4, 9, 0, 9, 1, 7]
    x_BTI = torch.randn(6, 9, INPUT, dtype=torch.float64, requires_grad=True)
    begin = tuple(part.requires_grad_() for part in draw_state(core, 6))
    y_true, end_true = by_reference(core, x_BTI, lengths, begin)
    y_BTE, end = core(x_BTI, torch.tensor(lengths), outer(begin))
    with torch.no_grad():
        y_plain, end_plain = core(x_BTI, torch.tensor(lengths), outer(begin))
    for ours in ((y_BTE, *parts(end)), (y_plain, *parts(end_plain))):
        for one, expected in zip(ours, (y_true, *end_true), strict=True):
            assert_near(one, expected, 1e-12)
    truth = gradients(core, [y_true, *end_true], x_BTI, *begin)
    for ours, expected in zip(gradients(core, [y_BTE, *parts(end)], x_BTI, *begin), truth, strict=True):
        assert_near(ours, expected, 1e-10)


@every_cell
@pytest.mark.parametrize("lengths", [[4, 0, 9, 1], [9, 9, 9, 9]])
def test_the_padded_path_agrees_with_the_reference_too(name, lengths, monkeypatch):
    core = module(name, layers=2, bidirectional=True)
    monkeypatch.setattr(core, "_by_rows", core._by_batch)
    x_BTI = torch.randn(4, 9, INPUT, dtype=torch.float64, requires_grad=True)
    begin = tuple(part.requires_grad_() for part in draw_state(core, 4))
    y_true, end_true = by_reference(core, x_BTI, lengths, begin)
    y_BTE, end = core(x_BTI, torch.tensor(lengths), outer(begin))
    for one, expected in zip((y_BTE, *parts(end)), (y_true, *end_true), strict=True):
        assert_near(one, expected, 1e-12)
    truth = gradients(core, [y_true, *end_true], x_BTI, *begin)
    for ours, expected in zip(gradients(core, [y_BTE, *parts(end)], x_BTI, *begin), truth, strict=True):
        assert_near(ours, expected, 1e-10)


@pytest.mark.parametrize("lengths", [[9, 9, 8, 9], [1, 9, 2, 3]])
def test_an_lstm_in_fp32_agrees_with_the_reference_at_any_share_of_padding(lengths):
    core = module("lstm", bidirectional=True, layers=2)
    x_BTI, begin = torch.randn(4, 9, INPUT, dtype=torch.float64), draw_state(core, 4)
    y_true, end_true = by_reference(core, x_BTI, lengths, begin)
    truth = gradients(core, [y_true, *end_true])
    core = core.float()
    y_BTE, end = core(x_BTI.float(), torch.tensor(lengths), outer(tuple(part.float() for part in begin)))
    for one, expected in zip((y_BTE, *end), (y_true, *end_true), strict=True):
        assert_near(one, expected, 1e-5)
    for ours, expected in zip(gradients(core, [y_BTE, *end]), truth, strict=True):
        assert_near(ours, expected, 1e-4)


def test_a_second_derivative_is_refused():
    core = module("gru-before")
    x_BTI = torch.randn(2, 3, INPUT, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(core(x_BTI)[0].square().sum(), x_BTI, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_a_graph_that_is_retained_gives_the_same_gradients_again():
    core = module("lstm", bidirectional=True)
    x_BTI = torch.randn(3, 5, INPUT, dtype=torch.float64, requires_grad=True)
    loss = core(x_BTI, torch.tensor([5, 2, 3]))[0].square().sum()
    first = torch.autograd.grad(loss, [x_BTI, *core.parameters()], retain_graph=True)
    second = torch.autograd.grad(loss, [x_BTI, *core.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["rnn-tanh", "lstm", "gru-after"])
def test_a_training_step_keeps_no_more_memory_than_torch(name):
    """Counted in bytes saved for the backward pass, on a batch half of which is padding."""
    sizes = {"rnn-tanh": nn.RNN, "lstm": nn.LSTM, "gru-after": nn.GRU}
    ours, theirs = Recurrent(8, 32, **CELLS[name]), sizes[name](8, 32, batch_first=True)
    x_BTI = torch.randn(8, 64, 8)
    lengths_B = torch.arange(8, 72, 8)

    def saved(compute) -> int:
        held = {}

        def note(tensor):
            held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            kept = compute()
        return sum(held.values()) if kept is not None else 0

    packed_x = pack_padded_sequence(x_BTI, lengths_B, batch_first=True, enforce_sorted=False)
    assert saved(lambda: ours(x_BTI, lengths_B)) <= 1.1 * saved(lambda: theirs(packed_x))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("unequal", [False, True])
def test_recurrent_dropout_leaves_weights_out_at_all_steps_of_a_pass(name, unequal):
    core = module(name, dtype=torch.float32, layers=2, recurrent_dropout=0.5)
    x, lengths = torch.randn(5, 9, INPUT), torch.tensor([9, 1, 4, 9, 0]) if unequal else None
    torch.manual_seed(6)
    found, _ = core.train()(x, lengths)
    whole = {layer: core.weights(layer, 0).weight_hh.detach().clone() for layer in range(2)}
    plain = module(name, dtype=torch.float32, layers=2).eval()
    plain.load_state_dict(core.state_dict())
    torch.manual_seed(6)
    with torch.no_grad():
        for layer, weight in whole.items():
            plain.weights(layer, 0).weight_hh.copy_(torch.nn.functional.dropout(weight, 0.5))
    torch.testing.assert_close(found, plain(x, lengths)[0], rtol=1e-4, atol=1e-5)
    assert torch.equal(core.weights(0, 0).weight_hh, whole[0])
    core.eval()
    torch.testing.assert_close(core(x, lengths)[0], core(x, lengths)[0])


def test_variational_dropout_drops_the_same_inputs_at_every_step():
    core = module("rnn-relu", dtype=torch.float32, variational_dropout=0.5)
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.zero_()
        core.weight_ih_l0[:INPUT, :INPUT] = torch.eye(INPUT)
    x_BTI = torch.ones(40, 6, INPUT)
    y_BTH, _ = core(x_BTI)
    kept = y_BTH[..., :INPUT]
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert 0.3 < kept.mean() / 2 < 0.7
    assert torch.equal(core.eval()(x_BTI)[0][..., :INPUT], x_BTI)


def test_dropout_between_layers_spares_the_input_and_evaluation():
    single = module("gru-before", layer_dropout=0.9)
    x_BTI = torch.randn(2, 5, INPUT, dtype=torch.float64)
    assert torch.equal(single(x_BTI)[0], single(x_BTI)[0])
    double = module("gru-before", layers=2, layer_dropout=0.5)
    assert not torch.equal(double(x_BTI)[0], double(x_BTI)[0])
    double.eval()
    assert_near(double(x_BTI)[0], by_reference(double, x_BTI, [5, 5])[0], 1e-12)


@every_cell
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_decides_the_precision_and_trains(name, dtype):
    core = module(name, dtype=torch.float32, bidirectional=True, layers=2)
    x_BTI, lengths_B = torch.randn(3, 5, INPUT), torch.tensor([5, 0, 2])
    expected = core(x_BTI, lengths_B)
    with torch.autocast("cpu", dtype):
        y_BTE, end = core(x_BTI, lengths_B)
        assert {torch.bfloat16: "bf16", torch.float16: "fp16"}[dtype] in core.kernel("cpu")
    assert y_BTE.dtype == dtype
    assert_near(y_BTE, expected[0], 0.05)
    for ours, exact in zip(parts(end), parts(expected[1]), strict=True):
        assert_near(ours, exact, 0.05)
    y_BTE.float().sum().backward()
    assert core.weight_ih_l0.grad.dtype == torch.float32


def test_gradients_are_there_in_evaluation_mode_too():
    core = module("lstm", dtype=torch.float32).eval()
    x_BTI = torch.randn(2, 5, INPUT, requires_grad=True)
    core(x_BTI)[0].sum().backward()
    assert x_BTI.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda core: core(torch.zeros(2, 3)), "not \\(batch, time, 3\\)"),
        (lambda core: core(torch.zeros(2, 3, 5)), "not \\(batch, time, 3\\)"),
        (lambda core: core(torch.zeros(2, 3, 3), torch.tensor([1, 4])), "between 0 and 3"),
        (lambda core: core(torch.zeros(2, 3, 3), torch.tensor([-1, 3])), "between 0 and 3"),
        (lambda core: core(torch.zeros(2, 3, 3), torch.tensor([3])), "batch of 2"),
        (lambda core: core(torch.zeros(2, 3, 3), None, torch.zeros(1, 3, 4)), "state"),
        (lambda core: core(torch.zeros(2, 3, 3), None, (torch.zeros(1, 2, 4),) * 2), "state"),
        (lambda core: Recurrent(3, 0), "hidden_size"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(Recurrent(3, 4))


@pytest.mark.parametrize("lengths", [[3, 2], torch.tensor([3.0, 2.0])])
def test_lengths_are_a_tensor_of_whole_numbers(lengths):
    with pytest.raises(TypeError, match="whole numbers"):
        Recurrent(3, 4)(torch.zeros(2, 3, 3), lengths)


def test_the_kernel_is_told_with_its_reason(monkeypatch):
    assert Recurrent(1, 1, cell="lstm").double().kernel("cpu").startswith("lstm: packed autograd function, cpu, fp64")
    assert "computed in fp32" in Recurrent(1, 1).bfloat16().kernel("cpu")
    assert Recurrent(1, 1).kernel("cuda").startswith("gru(before): packed autograd function in CUDA graphs, cuda")
    assert Recurrent(1, 1, reset="after").kernel("cuda:0").startswith("gru(after): cuDNN, cuda")
    assert "computed in fp32" in Recurrent(1, 1, cell="lstm").bfloat16().kernel("cuda")
    for rounded, path in ((True, "cuDNN"), (False, "packed autograd function in CUDA graphs")):
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", rounded)
        assert Recurrent(1, 1, cell="rnn").kernel("cuda").startswith(f"rnn(tanh): {path}, cuda")
