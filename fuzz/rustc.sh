#!/bin/sh
# Called by cargo in place of the compiler for our own crates (RUSTC_WORKSPACE_WRAPPER): adds the counters that
# libFuzzer reads. Dependencies are built as ever, and shared with the other builds.
rustc=$1
shift
case " $* " in
*" --crate-name platewatch "* | *" --crate-name platewatch_fuzz "*)
    exec "$rustc" "$@" --cfg fuzzing -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
