"""One instruction that has no name in Python: ask for memory before it is needed."""

# ruff: noqa: ANN401 - what numba hands to an intrinsic has no types

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic

LINE = 16  # float32 in a cache line of 64 bytes
_FOR_READING, _IN_EVERY_CACHE, _DATA = 0, 3, 1  # what the instruction wants to know


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_typing: Any, matrix: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line in which matrix[row, column] begins; for compiled loops alone.

    row, column  integers, not negative
    It changes the time and nothing else: where rows are read in an order that is random but known, memory
    works on those to come while the loop is busy with this one.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, *integers = signature.args
        array = context.make_array(kind)(context, builder, arguments[0])
        indices = [
            context.cast(builder, value, integer, types.intp)
            for value, integer in zip(arguments[1:], integers, strict=True)
        ]
        address = cgutils.get_item_pointer(context, builder, kind, array, indices)
        address = builder.bitcast(address, cgutils.voidptr_t)
        hints = [context.get_constant(types.int32, hint) for hint in (_FOR_READING, _IN_EVERY_CACHE, _DATA)]
        instruction = builder.module.declare_intrinsic(
            "llvm.prefetch", (address.type,), _type_of([address, *hints])
        )
        builder.call(instruction, [address, *hints])
        return context.get_dummy_value()

    return types.void(matrix, row, column), generate


def _type_of(arguments: list[Any]) -> Any:
    return cgutils.ir.FunctionType(cgutils.ir.VoidType(), [one.type for one in arguments])
