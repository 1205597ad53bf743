"""Recurrent layers in files of other programs: read, told, and put into layers of ours."""
