"""What a frame costs on its way from a source to features, by kind of source.

costs      CPU time of a frame, stage by stage
kinds      the sources: the one that the user named, and those that can be made here
sending    a camera and a program that send, on the loopback
h264       a recording, made with PyAV
"""
