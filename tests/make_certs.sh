#!/usr/bin/env bash
# Makes the certificates that the tests of TLS need, into a folder, with openssl.
#   tests/make_certs.sh FOLDER [right]     right: those of ca and right alone
# For each NAME there are NAME.pem and NAME.key, signed by ca.pem unless said otherwise.
set -euo pipefail
cd "$1"
exec 2>log # what went wrong, if it did

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

make_ca() {
    make_key "$1"
    openssl req -x509 -key "$1.key" -out "$1.pem" -subj "/CN=the CA of $1" -days 30
}

# NAME CN SUBJECT_ALT_NAMES [CA [DAYS]]; no alternative names: ""
make_cert() {
    local name=$1 cn=$2 names=$3 ca=${4:-ca} days=${5:-30} extra=()
    make_key "$name"
    [ -z "$names" ] || extra=(-addext "subjectAltName=$names")
    openssl req -new -key "$name.key" -subj "/CN=$cn" "${extra[@]}" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial \
        -days "$days" -copy_extensions copy -out "$name.pem"
}

make_ca ca
make_cert right any "DNS:localhost,DNS:redis.example,IP:127.0.0.1,IP:::1"
[ "${2:-}" != right ] || exit 0

make_ca other_ca
make_cert other_name localhost "DNS:elsewhere.example"
make_cert ip_only any "IP:127.0.0.1"
make_cert other_ip 127.0.0.1 "IP:127.0.0.9"
make_cert ip_as_dns any "DNS:127.0.0.1"
make_cert cn_only localhost ""
make_cert wildcard any "DNS:*.db.example"
make_cert partial_wildcard any "DNS:red*.db.example"
make_cert expired any "DNS:localhost,IP:127.0.0.1" ca -1
make_cert unknown any "DNS:localhost,IP:127.0.0.1" other_ca
make_cert client "a client" ""
make_cert other_client "a client of others" "" other_ca

# a client certificate with a CA between
make_key between
openssl req -new -key between.key -subj "/CN=between" \
    -addext "basicConstraints=critical,CA:true" -out between.csr
openssl x509 -req -in between.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
    -copy_extensions copy -out between.pem
make_cert chained "a client of the one between" "" between
cat chained.pem between.pem >chain.pem
openssl ec -in client.key -aes256 -passout pass:open-sesame -out locked.key

# the CA has taken back the certificate "right"
cat >crl.conf <<'CONF'
[ca]
default_ca = it
[it]
database = index
default_md = sha256
default_crl_days = 30
CONF
: >index
openssl ca -config crl.conf -cert ca.pem -keyfile ca.key -gencrl -out none.crl
openssl ca -config crl.conf -cert ca.pem -keyfile ca.key -revoke right.pem
openssl ca -config crl.conf -cert ca.pem -keyfile ca.key -gencrl -out right.crl

: >empty.pem
mkdir -p folder empty_folder
cp ca.pem folder/
openssl rehash folder
