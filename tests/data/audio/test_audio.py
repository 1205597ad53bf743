"""Recordings and their features, against plain computations and cut into pieces."""

import numpy as np
import pytest
import soundfile

from rnncli.data.audio.features import FeatureCache, SoundClip, SoundRecording, compute
from rnncli.data.audio.frontend import FLOOR, FrameStream, Frontend
from rnncli.data.audio.resampling import resample
from rnncli.data.audio.sound import RecordingError, Sound, pcm, read_blocks, read_sound

KINDS = [Frontend("log-mel", 16000, 40), Frontend("mfcc", 8000, 13), Frontend("fbank", 16000, 23)]


def noise(samples, seed=1):
    return (np.random.default_rng(seed).normal(size=samples) * 0.1).astype(np.float32)


@pytest.mark.parametrize(
    ("suffix", "subtype"), [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", None)]
)
def test_what_was_written_is_read_with_channels_mixed(tmp_path, suffix, subtype):
    samples = np.stack([noise(800), noise(800, 2)], 1)
    soundfile.write(tmp_path / f"a.{suffix}", samples, 8000, subtype=subtype)
    sound = read_sound(tmp_path / f"a.{suffix}")
    assert (sound.rate, sound.channels, len(sound.samples)) == (8000, 2, 800)
    np.testing.assert_allclose(sound.samples, samples.mean(1), atol=1e-4)


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_files_are_read(tmp_path, suffix):
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    soundfile.write(tmp_path / f"a.{suffix}", tone, 16000)
    sound = read_sound(tmp_path / f"a.{suffix}")
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert abs(spectrum.argmax() * 16000 / len(sound.samples) - 300) < 5


def test_blocks_are_the_recording_cut(tmp_path):
    samples = np.stack([noise(8000), noise(8000, 2)], 1)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    rate, blocks = read_blocks(tmp_path / "a.wav", seconds=0.3)
    found = list(blocks)
    assert rate == 8000
    assert [len(block) for block in found] == [2400, 2400, 2400, 800]
    np.testing.assert_array_equal(np.concatenate(found), read_sound(tmp_path / "a.wav").samples)


def test_resampling_keeps_a_tone():
    tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000).astype(np.float32)
    found = resample(tone, 8000, 16000)
    expected = np.sin(2 * np.pi * 200 * np.arange(16000) / 16000)
    np.testing.assert_allclose(found[200:-200], expected[200:-200], atol=0.01)


def test_raw_samples_are_16_bit_little_endian():
    np.testing.assert_allclose(pcm(b"\x00\x40\x00\x80"), [0.5, -1.0])


@pytest.mark.parametrize("frontend", KINDS, ids=lambda frontend: frontend.kind)
def test_a_stream_cut_anywhere_gives_the_frames_of_the_whole(frontend):
    samples, random = noise(9000), np.random.default_rng(3)
    stream, found, at = FrameStream(frontend), [], 0
    while at < len(samples):
        size = int(random.integers(1, 1500))
        found.append(stream(samples[at : at + size]))
        at += size
    whole = frontend(samples)
    assert whole.shape == (frontend.frames(9000), frontend.width)
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-4)


def test_log_mel_is_the_logarithm_of_power_in_triangles_on_the_mel_scale():
    frontend = Frontend("log-mel", 8000, 20)
    samples = noise(1000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 200)
    power = np.abs(np.fft.rfft(samples[80:280] * window, 256)) ** 2
    mel = np.linspace(*(2595 * np.log10(1 + np.array([20, 4000]) / 700)), 22)
    corners, bins = 700 * (10 ** (mel / 2595) - 1), np.arange(129) * 8000 / 256
    for band in range(20):
        low, peak, high = corners[band : band + 3]
        weights = np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))
        assert frontend(samples)[1, band] == pytest.approx(np.log(weights @ power + FLOOR), abs=2e-3)


def test_less_than_a_frame_has_no_features():
    assert Frontend()(noise(399)).shape == (0, 80)
    assert Frontend()(noise(400)).shape == (1, 80)


def test_features_are_kept_by_content_and_computed_again_for_other_settings(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(4000), 8000)
    soundfile.write(tmp_path / "b.wav", noise(4000), 8000)
    recordings = [SoundRecording(tmp_path / name, name) for name in ("a.wav", "b.wav")]
    cache = FeatureCache(tmp_path / "cache")
    for bins, files in ((20, 1), (20, 1), (30, 2)):
        clips = compute(recordings, Frontend("log-mel", 8000, bins), cache)
        assert len(list((tmp_path / "cache").rglob("*.npy"))) == files
        for clip in clips:
            assert isinstance(clip, SoundClip)
            assert clip.load().shape == (clip.frames, bins)
    assert not list((tmp_path / "cache").rglob("*.partial"))


def test_a_damaged_cache_entry_is_computed_again(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(4000), 8000)
    cache, recordings = FeatureCache(tmp_path / "cache"), [SoundRecording(tmp_path / "a.wav", "a.wav")]
    frontend = Frontend("log-mel", 8000, 20)
    (before,) = compute(recordings, frontend, cache)
    (entry,) = (tmp_path / "cache").rglob("*.npy")
    entry.write_bytes(entry.read_bytes()[:100])
    (after,) = compute(recordings, frontend, cache)
    assert isinstance(after, SoundClip)
    assert isinstance(before, SoundClip)
    assert len(after.load()) == before.frames


def test_a_bad_recording_is_told_with_its_kind(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFF but no more")
    (found,) = compute([SoundRecording(tmp_path / "a.wav", "a.wav")], Frontend(), None)
    assert isinstance(found, RecordingError)
    assert found.reason == "unreadable recording"
    assert "a.wav" in found.message


@pytest.mark.slow
def test_odd_but_valid_files_are_read(real_data):
    files = sorted((real_data / "codecs/audio").iterdir())
    assert files
    for file in files:
        sound = read_sound(file)
        assert sound.samples.ndim == 1
        assert len(sound.samples) > 1000


@pytest.mark.parametrize(("frontend", "floor"), [(KINDS[0], 1e-3), (KINDS[1], 0.02), (KINDS[2], 1e-3)])
@pytest.mark.parametrize("decibels", [-12, 6])
def test_louder_features_are_those_of_a_louder_recording(frontend, floor, decibels):
    samples = noise(8000)
    expected = frontend(samples * np.float32(10 ** (decibels / 20)))
    np.testing.assert_allclose(frontend.louder(frontend(samples), decibels), expected, atol=floor)


def test_silence_stays_at_the_floor_however_loud():
    frontend = KINDS[0]
    np.testing.assert_allclose(frontend.louder(frontend(noise(800) * 0), 20), np.log(FLOOR), atol=1e-4)


def test_a_recording_that_is_played_faster_is_shorter_and_higher_and_kept_apart(tmp_path):
    tone = (0.5 * np.sin(2 * np.pi * 400 * np.arange(16000) / 16000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", tone, 16000)
    frontend, cache = Frontend("log-mel", 16000, 40), FeatureCache(tmp_path / "cache")
    own, fast = compute(
        [SoundRecording(tmp_path / "a.wav", "a", speed=speed) for speed in (1.0, 1.25)], frontend, cache
    )
    assert isinstance(own, SoundClip)
    assert isinstance(fast, SoundClip)
    assert fast.frames == pytest.approx(own.frames / 1.25, abs=2)
    higher = frontend(np.sin(2 * np.pi * 500 * np.arange(16000) / 16000).astype(np.float32))
    assert fast.load().mean(0).argmax() == higher.mean(0).argmax() > own.load().mean(0).argmax()
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 2


def test_a_stretch_of_samples_in_memory_and_of_features_is_cut(tmp_path):
    samples = noise(16000)
    frontend = Frontend("log-mel", 8000, 20)
    np.save(tmp_path / "a.npy", frontend(samples))
    span = (0.5, 1.0)
    in_memory = SoundRecording(Sound(samples, 8000), "samples", span=span)
    given = SoundRecording(tmp_path / "a.npy", "a.npy", features=True, span=span)
    beyond = SoundRecording(tmp_path / "a.npy", "a.npy", features=True, span=(5.0, 1.0))
    one, other, nothing = compute([in_memory, given, beyond], frontend, None)
    assert isinstance(one, SoundClip)
    assert isinstance(other, SoundClip)
    assert (one.frames, other.frames) == (98, 100)
    np.testing.assert_allclose(one.load(), other.load()[:98], atol=1e-5)
    assert isinstance(nothing, RecordingError)
    assert nothing.reason == "features without frames"


def streamed(path, order, size, behind=b""):
    """A recording as wav whose header says ``size`` bytes of samples, as those do that were written to a pipe."""
    soundfile.write(path, noise(800), 8000, subtype="PCM_16", endian="LITTLE" if order == "little" else "BIG")
    content = path.read_bytes()
    at = content.index(b"data") + 4
    sizes = (0 if size is None else size).to_bytes(4, order)
    path.write_bytes(content[:4] + sizes + content[8:at] + sizes + content[at + 4 :] + behind)
    return path


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_whose_header_does_not_know_its_length_is_read_to_its_end(tmp_path, order, size):
    path = streamed(tmp_path / "a.wav", order, size)
    sound = read_sound(path)
    np.testing.assert_allclose(sound.samples, noise(800), atol=1e-4)
    assert ("header says" in sound.remark) == (size == 0)
    assert len(read_sound(path, span=(0.05, 0.02)).samples) == 160
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(path, 0.03)[1])), sound.samples)


def test_a_wav_without_samples_has_none_whatever_is_behind_them(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(0), 8000, subtype="PCM_16")
    content = (tmp_path / "a.wav").read_bytes()
    for behind in (b"", b"LIST" + (4).to_bytes(4, "little") + b"INFO"):
        (tmp_path / "a.wav").write_bytes(content + behind)
        with pytest.raises(RecordingError, match="holds no samples"):
            read_sound(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("channels", "expected", "told"),
    [
        (lambda x, y: (x, -x), lambda x, y: x, True),
        (lambda x, y: (-0.5 * x, 0.5 * x + 0.002 * y), lambda x, y: 0.5 * x, True),
        (lambda x, y: (x, y), lambda x, y: (x + y) / 2, False),
        (lambda x, y: (x, x), lambda x, y: x, False),
        (lambda x, y: (x, 0 * x), lambda x, y: x / 2, False),
        (lambda x, y: (0 * x, 0 * x), lambda x, y: 0 * x, False),
        (lambda x, y: (x, -0.5 * x), lambda x, y: x / 4, False),
    ],
)
def test_channels_of_opposite_phase_do_not_become_silence_and_are_told(tmp_path, channels, expected, told):
    x, y = noise(8000), noise(8000, 2)
    soundfile.write(tmp_path / "a.wav", np.stack(channels(x, y), 1), 8000, subtype="FLOAT")
    sound = read_sound(tmp_path / "a.wav")
    assert ("opposite phase" in sound.remark) == told
    sign = -1 if told and sound.samples @ x < 0 else 1
    np.testing.assert_allclose(sign * sound.samples, expected(x, y), atol=2e-3)
    np.testing.assert_allclose(np.concatenate(list(read_blocks(tmp_path / "a.wav", 0.3)[1])), sound.samples, atol=1e-6)


def test_what_is_to_be_said_of_a_recording_is_said_when_its_features_are_kept_too(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([noise(8000), -noise(8000)], 1), 8000)
    soundfile.write(tmp_path / "b.wav", noise(8000), 8000)
    recordings = [SoundRecording(tmp_path / name, name) for name in ("a.wav", "b.wav")]
    cache = FeatureCache(tmp_path / "cache")
    found = [[clip.remark for clip in compute(recordings, KINDS[0], its)] for its in (cache, cache, None)]
    assert found[0] == found[1] == found[2]
    assert [bool(remark) for remark in found[0]] == [True, False]
