"""The program's version, where every command can read it without the 30 ms that installed metadata takes."""

VERSION = "0.1.0"
