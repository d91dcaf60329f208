"""The operating system: files, clocks, boots, inotify, sd_notify, the log. Nothing here knows of firmware."""
