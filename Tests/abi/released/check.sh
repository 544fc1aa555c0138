# Checks the library against what was released: each folder here is a release, with its header, its symbols and a host
# that calls all of its functions. Tests/abi/run.sh reads this file, and supplies report, library, model, here, header and
# build.

# exports: each function of the library as "TYPE NAME", with nm's letter for the type
typed_exports() { nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $2, $3 }' | sort; }

# both_headers FOLDER: compiles if no declaration, constant or type of the release has changed. Versions do change.
both_headers() {
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only -x c - <<C
#include "$1/pixart.h"
#undef PIXART_H
#undef PIXART_VERSION_MINOR
#undef PIXART_VERSION_PATCH
#include "$header"
C
}

# uncalled FOLDER: functions of the release that its host does not call
uncalled() { cut -d ' ' -f 2 "$1/symbols.txt" | while read -r name; do grep -q "\b$name(" "$1/host.c" || echo "$name"; done; }

# With a sanitizer's flags, because the library then needs its runtime, which comes with the host.
# shellcheck disable=SC2086 # flags are words
run_host() {
    local work=$build/released-$1
    rm -rf "$work" && mkdir -p "$work" && ln -sf "$(realpath "$library")" "$work/libpixart.so.1" &&
        ${CC:-cc} -std=c11 ${CFLAGS:-} -Wall -Wextra -Werror -I"$here/released/$1" "$here/released/$1/host.c" \
            "$work/libpixart.so.1" ${LDFLAGS:-} -Wl,-rpath,"$work" -o "$work/host" && "$work/host" "$model" "$work"
}

check_released() {
    local folder release output
    for folder in "$here"/released/*/; do
        folder=${folder%/} release=$(basename "$folder")
        output=$(comm -23 <(sort "$folder/symbols.txt") <(typed_exports))
        report "released $release: every symbol is exported, with its type" "$([ -z "$output" ]; echo $?)" "$output"
        output=$(both_headers "$folder" 2>&1)
        report "released $release: no declaration or constant has changed" $? "$output"
        output=$(grep -nE '\b(struct|union|enum) *[a-z_]* *\{|\bbool\b|\blong\b' <(${CC:-cc} -fpreprocessed -E -P "$folder/pixart.h" 2>/dev/null))
        report "released $release: no public structs, enums, bool or long" "$([ -z "$output" ]; echo $?)" "$output"
        output=$(uncalled "$folder")
        report "released $release: its host calls every function" "$([ -z "$output" ]; echo $?)" "$output"
        output=$(run_host "$release" 2>&1)
        report "released $release: its host runs" $? "$output"
    done
}
