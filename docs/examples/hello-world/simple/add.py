"""What the other examples of this folder configure and run."""

from dataclasses import dataclass

import nrun as run


def add(a: int, b: int) -> int:
    print(f"{a} + {b} = {a + b}")
    return a + b


@dataclass
class SomeObject:
    value_1: int
    value_2: int
    value_3: int


def add_object(obj_1: SomeObject, obj_2: SomeObject) -> list[int]:
    """Adds value by value. What a job returns is kept as JSON, so it is a list and no object."""
    total = [
        obj_1.value_1 + obj_2.value_1,
        obj_1.value_2 + obj_2.value_2,
        obj_1.value_3 + obj_2.value_3,
    ]
    print(f"{total = }")
    return total


@run.autoconvert
def commonly_used_object() -> SomeObject:
    return SomeObject(value_1=5, value_2=10, value_3=15)
