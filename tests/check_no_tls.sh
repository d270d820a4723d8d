#!/usr/bin/env bash
# A library that was built without TLS must know nothing of OpenSSL.
#   tests/check_no_tls.sh STATIC_LIBRARY SHARED_LIBRARY
set -euo pipefail

tls='^(SSL|TLS|BIO|X509|EVP|PEM|ERR|OPENSSL|CRYPTO)_'
names=$(nm "$1" | awk 'NF > 1 { print $NF }')
grep -q '^weir_tls_begin$' <<<"$names" || {
    echo "$1 has no weir_tls_begin: is it a library of weir's?"
    exit 1
}
if grep -E "$tls" <<<"$names"; then
    echo "$1 has names of OpenSSL's"
    exit 1
fi
if readelf -d "$2" | grep -E 'NEEDED.*(ssl|crypto)'; then
    echo "$2 needs OpenSSL"
    exit 1
fi
