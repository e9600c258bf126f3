"""Completion in the shell: an index of what can be typed, kept on disk, from which a Tab is answered without imports.

`describe` and `commands` turn an entrypoint and the `nrun` command into plain data. `index` keeps it and tells whether
it is still true. `words`, `items` and `places` answer from it; of nrun they import nothing but what reads the record.
"""
