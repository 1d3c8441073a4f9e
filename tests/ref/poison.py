"""Puts a value into a row, a column or one place of a matrix in a safetensors file, in place.
usage: poison.py FILE TENSOR ROW|all COLUMN|all VALUE"""
import json
import struct
import sys

path, tensor, row, column, value = sys.argv[1:]
with open(path, "r+b") as f:
    size = struct.unpack("<Q", f.read(8))[0]
    t = json.loads(f.read(size))[tensor]
    assert t["dtype"] == "F32"
    height, width = t["shape"]
    for r in range(height) if row == "all" else [int(row)]:
        for c in range(width) if column == "all" else [int(column)]:
            f.seek(8 + size + t["data_offsets"][0] + 4 * (width * r + c))
            f.write(struct.pack("<f", float(value)))
