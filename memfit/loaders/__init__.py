"""Files in, records out: one file a format.

`registry.read_file` reads one file, `device.load_device` a folder, `tidy.write_record` writes a record.
"""
