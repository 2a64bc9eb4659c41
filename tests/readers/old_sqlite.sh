#!/usr/bin/env bash
# Build SQLite 3.31.1 as DIR/libsqlite3.so.0 from the source that the npm package sqlite3@4.2.0 carries.
# Usage: build.sh DIR [SITE_PACKAGES]    (needs npm and gcc; builds nothing where DIR has that library already)
# With SITE_PACKAGES, every Python of that environment, and no other program, uses the library: _sqlite3 asks the
# loader for "libsqlite3.so.0", and gets the one of that name that its process has loaded already.
set -euo pipefail
dir=$(mkdir -p "$1" && cd "$1" && pwd)
lib=$dir/libsqlite3.so.0
[ $# -lt 2 ] || pth=$(cd "$2" && pwd)/old_sqlite.pth
use() { [ -z "${pth-}" ] || echo "import ctypes; ctypes.CDLL('$lib')" >"$pth"; }
[ -e "$lib" ] && use && exit 0
unset LD_PRELOAD LD_LIBRARY_PATH   # npm, node and gcc run with the system's library

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent sqlite3@4.2.0 >/dev/null    # fetches the tarball; runs no install script
tar -xzOf sqlite3-4.2.0.tgz package/deps/sqlite-autoconf-3310100.tar.gz >source.tgz
echo "62284efebc05a76f909c580ffa5c008a7d22a1287285d68b7825a2b6b51949ae  source.tgz" | sha256sum --check --quiet
tar -xzf source.tgz --strip-components=1

# The options of Debian's and Ubuntu's builds, less MAX_VARIABLE_NUMBER=250000: 999 is upstream's limit before 3.32.
# CPython calls sqlite3_serialize and sqlite3_deserialize, which 3.31 has only with ENABLE_DESERIALIZE.
"${CC:-gcc}" -O1 -w -fPIC -shared -Wl,-soname,libsqlite3.so.0 -o "$lib.$$" sqlite3.c \
  -DSQLITE_THREADSAFE=1 -DSQLITE_USE_URI -DSQLITE_SECURE_DELETE -DSQLITE_SOUNDEX -DSQLITE_LIKE_DOESNT_MATCH_BLOBS \
  -DSQLITE_MAX_SCHEMA_RETRY=25 -DHAVE_ISNAN -DHAVE_USLEEP -DHAVE_FDATASYNC \
  -DSQLITE_ENABLE_JSON1 -DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS3_PARENTHESIS -DSQLITE_ENABLE_FTS3_TOKENIZER \
  -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DBSTAT_VTAB \
  -DSQLITE_ENABLE_STMTVTAB -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_LOAD_EXTENSION \
  -DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_ENABLE_PREUPDATE_HOOK -DSQLITE_ENABLE_SESSION \
  -DSQLITE_ENABLE_DESERIALIZE \
  -lpthread -ldl -lm
mv "$lib.$$" "$lib"
use
