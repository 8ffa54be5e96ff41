#!/usr/bin/env python3
"""Checks that each target imports only what Package.swift declares for it, and only upwards.

The compiler refuses an import of a target that is not built before this one, but lets through one
that some dependency happens to bring along.
"""
import json
import os
import re
import subprocess
import sys

manifest = json.loads(
    subprocess.run(
        ["swift", "package", "dump-package"], check=True, capture_output=True, text=True
    ).stdout
)
targets = {t["name"]: t for t in manifest["targets"]}
ours = set(targets)
failed = False
for name, target in targets.items():
    if target["type"] == "system":
        continue
    folder = target.get("path") or f"{'Tests' if target['type'] == 'test' else 'Sources'}/{name}"
    declared = {next(iter(d.values()))[0] for d in target["dependencies"]}
    for parent, _, files in os.walk(folder):
        for file in sorted(files):
            if not file.endswith(".swift"):
                continue
            path = os.path.join(parent, file)
            with open(path, encoding="utf-8") as text:
                for line in text:
                    found = re.match(r"(?:@testable |public |package )*import (?:\w+ )?(\w+)", line)
                    if found and found[1] in ours - declared - {name}:
                        print(f"{path} imports {found[1]}, which {name} does not declare")
                        failed = True
sys.exit(1 if failed else 0)
