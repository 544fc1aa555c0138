#!/usr/bin/env bash
# Runs the ABI tests that Tests/abi/Makefile has built and closes with "N passed, N failed".
#
#   run.sh BUILD LIBRARY MODEL "PROGRAMS" "FILTER"
#
# In addition to the programs, it checks the library's symbols and header, and that the library prints nothing.
set -u
build=$1 library=$2 model=$3 programs=$4 filter=$5
here=$(cd "$(dirname "$0")" && pwd)
header=$here/../../include/pixart.h
passed=0 failed=0
. "$here/released/check.sh"

# report NAME STATUS [DETAIL]
report() {
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1)) && echo "ok   $1"
    else
        failed=$((failed + 1)) && echo "FAIL $1" && [ -n "${3:-}" ] && printf '%s\n' "$3" | sed 's/^/     /' | cut -c-200 | head -20
    fi
}

# ---- The built file -------------------------------------------------------------------------------------------------

exports() { nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort; }
declarations() { ${CC:-cc} -E -P "$header" | grep -oE '\bpixart_[a-z_]+\(' | tr -d '(' | sort -u; }

check_library() {
    local difference
    difference=$(diff "$here/symbols.txt" <(exports))
    report "symbols: exports are those of symbols.txt" $? "$difference"
    difference=$(nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /@@PIXART_1$/')
    report "symbols: all have the version PIXART_1" "$([ -z "$difference" ]; echo $?)" "$difference"
    difference=$(diff "$here/symbols.txt" <(declarations))
    report "symbols: the header declares the same" $? "$difference"
    difference=$(ldd "$library" 2>&1 | grep -iE 'libswift|libFoundation|libdispatch|not found')
    report "symbols: no Swift library is needed" "$([ -z "$difference" ]; echo $?)" "$difference"
    readelf -d "$library" | grep -q 'SONAME.*\[libpixart\.so\.1\]'
    report "symbols: the SONAME is libpixart.so.1" $?
    difference=$(readelf -lW "$library" | grep -E 'GNU_STACK.*E ' ; readelf -d "$library" | grep TEXTREL)
    report "symbols: no executable stack, no text relocations" "$([ -z "$difference" ]; echo $?)" "$difference"
    readelf -dW "$library" | grep -qE 'FLAGS.*\bNOW\b' && readelf -lW "$library" | grep -q GNU_RELRO
    report "symbols: full RELRO" $?
    nm -D --undefined-only "$library" | grep -q __stack_chk_fail && nm -D --undefined-only "$library" | grep -q _chk@
    report "symbols: stack protectors and checked C functions" $?
    nm -D --undefined-only "$library" | grep -qE '__[at]san_init' && return # a sanitizer's build keeps paths for its reports
    difference=$(strings -a "$library" | grep -F "$(cd "$here/../.." && pwd -P)/" | sort -u)
    report "symbols: no path of the build" "$([ -z "$difference" ]; echo $?)" "$difference"
}

# ---- The header -----------------------------------------------------------------------------------------------------

check_header() {
    local standard output
    for standard in c89 c99 c11 c17; do
        output=$(echo '#include "pixart.h"' | ${CC:-cc} -std=$standard -pedantic -Wall -Wextra -Werror -Wstrict-prototypes \
            -I"$(dirname "$header")" -x c -fsyntax-only - 2>&1)
        report "header: $standard" $? "$output"
    done
    for standard in c++11 c++14 c++17 c++20 c++23; do
        output=$(echo '#include "pixart.h"' | ${CXX:-c++} -std=$standard -pedantic -Wall -Wextra -Werror \
            -I"$(dirname "$header")" -x c++ -fsyntax-only - 2>&1)
        report "header: $standard" $? "$output"
    done
    local clang
    clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    for standard in c c++; do
        output=$(echo '#include "pixart.h"' | "$clang" -Weverything -Werror -I"$(dirname "$header")" -x $standard \
            -fsyntax-only - 2>&1)
        report "header: every warning of clang, $standard" $? "$output"
    done
    check_cpp_header "$clang++"
    output=$(python3 "$here/../../tools/docs/check_header.py")
    report "header: text for every function and parameter" $? "$output"
}

# check_cpp_header CLANG: pixart.hpp and its use compile silently, and no function of the C header is missing in it.
check_cpp_header() {
    local compiler standard output
    for compiler in "${CXX:-c++}" "$1"; do
        for standard in c++17 c++20 c++23; do
            output=$("$compiler" -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only \
                -I"$(dirname "$header")" -I"$here/support" "$here/cpp/cpp_owners.cpp" 2>&1)
            report "pixart.hpp: $standard, ${compiler##*/}" $? "$output"
        done
    done
    output=$(declarations | grep -vxF "$(sed 's|//.*||; s|^ *[*/].*||' "${header}pp" | grep -oE '\bpixart_[a-z_]+\b')")
    report "pixart.hpp: has every function of pixart.h" "$([ -z "$output" ]; echo $?)" "$output"
}

# ---- The programs ---------------------------------------------------------------------------------------------------

# run_program NAME [VARIABLE=VALUE ...]: runs its tests, and checks that the library prints nothing.
run_program() {
    local name=$1 out=$build/$1.out err=$build/$1.err status spoken
    shift
    # shellcheck disable=SC2086 # LAUNCHER is a command with its arguments
    { timeout "${PIXART_TEST_TIMEOUT:-600}" env "$@" ${LAUNCHER:-} "$build/$name" "$model" $filter >"$out" 2>"$err"; } 2>/dev/null
    status=$?
    grep -E '^(ok  |FAIL|    ) ' "$out"
    passed=$((passed + $(grep -c '^ok   ' "$out"))) failed=$((failed + $(grep -c '^FAIL ' "$out")))
    if [ $status -gt 1 ] || ! grep -qE '^[0-9]+ passed, [0-9]+ failed$' "$out"; then
        report "$name: ended with status $status in \"$(grep '^run  ' "$out" | tail -1 | cut -d: -f2-)\"" 1 "$(tail -20 "$err")"
    elif [ -z "${LAUNCHER:-}" ]; then
        spoken=$(cat "$err"; grep -vE '^(run |ok  |FAIL|    ) |^[0-9]+ passed, [0-9]+ failed$' "$out")
        report "$name: the library printed nothing" "$([ -z "$spoken" ]; echo $?)" "$spoken"
    elif [ -s "$err" ]; then
        sed 's/^/     /' "$err"
    fi
}

if [ -z "$filter$LAUNCHER" ]; then
    check_library
    check_header
    check_released
fi
for program in $programs; do run_program "$program"; done

# Variables that make OpenBLAS print in other programs have no effect, because the library has a private copy.
if [ -z "$filter$LAUNCHER" ] && [[ " $programs " == *" run "* ]]; then
    run_program run OPENBLAS_VERBOSE=2
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
