#!/usr/bin/env bash
# Makes the certificates of this folder again (README.md). Keys are thrown away. Needs openssl 3, step, step-ca and curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

openssl ecparam -name prime256v1 -genkey -noout -out ec.key

# self <name> <key> <openssl req arguments …>: a self-signed certificate
self() {
  local name=$1 key=$2
  shift 2
  openssl req -x509 -new -key "$key" -days 3650 -out "$here/$name.crt" -utf8 "$@"
}
plain=(-subj /CN=plain -addext subjectAltName=DNS:plain.example)

# Kinds of key
for curve in secp224r1 secp384r1 secp521r1; do openssl ecparam -name $curve -genkey -noout -out $curve.key; done
openssl genpkey -algorithm ed25519 -out ed25519.key
openssl genpkey -algorithm ed448 -out ed448.key
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa2048.key
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1023 -out rsa1023.key
openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -out rsapss.key
self key-p256 ec.key "${plain[@]}"
self key-p224 secp224r1.key "${plain[@]}"
self key-p384 secp384r1.key "${plain[@]}"
self key-p521 secp521r1.key "${plain[@]}"
self key-ed25519 ed25519.key "${plain[@]}"
self key-ed448 ed448.key "${plain[@]}"
self key-rsa2048 rsa2048.key "${plain[@]}"
self key-rsa1023 rsa1023.key "${plain[@]}"
self key-rsa-pss rsapss.key "${plain[@]}"
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out explicit.key
self key-p256-explicit explicit.key "${plain[@]}"

# Signatures
self signed-sha1 rsa2048.key "${plain[@]}" -sha1
self signed-pss-sha256 rsa2048.key "${plain[@]}" -sha256 -sigopt rsa_padding_mode:pss
self signed-pss-sha1 rsa2048.key "${plain[@]}" -sha1 -sigopt rsa_padding_mode:pss
self signed-ecdsa-sha1 ec.key "${plain[@]}" -sha1

# Names
self name-multi-valued ec.key -multivalue-rdn -subj '/DC=example/DC=org/OU=Sales+CN=J.  Smith/UID=jsmith'
cat > escapes.cnf <<'X'
[req]
prompt = no
distinguished_name = dn
string_mask = utf8only
[dn]
C = DE
ST = Bayern
L = München
street = Am Markt 1
O = "Sue, Grabbit and Runn; <best>\\\\"
0.OU = "#1+1=2 "
1.OU = " lead"
X
cat > others.cnf <<'X'
[req]
prompt = no
distinguished_name = dn
[dn]
serialNumber = 42
SN = Doe
GN = Jo
title = Dr
emailAddress = jo@example.org
0.CN = first
1.CN = last
0.1.3.6.1.4.1.32473.1 = private
X
openssl req -x509 -new -key ec.key -days 3650 -utf8 -config escapes.cnf -out "$here/name-escapes.crt"
openssl req -x509 -new -key ec.key -days 3650 -utf8 -config others.cnf -out "$here/name-others.crt"
self name-empty ec.key -subj / -addext subjectAltName=critical,DNS:empty.example
cat > strings.cnf <<'X'
[req]
prompt = no
distinguished_name = dn
string_mask = default
[dn]
0.O = Łódź 東京
1.O = Zürich
CN = плюс
X
self name-utf8 ec.key -subj '/O=Łódź 東京/CN=плюс 🔑'
openssl req -x509 -new -key ec.key -days 3650 -utf8 -config strings.cnf -out "$here/name-bmp-teletex.crt"

# Alternative names, extensions
cat > ext.cnf <<'X'
[req]
distinguished_name = dn
[dn]
[sans]
subjectAltName = DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1:0:0:1,IP:::ffff:192.0.2.9,IP:::,email:Jo@example.org,URI:spiffe://example/ns?x=1,RID:1.2.3.4,dirName:dir,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jo@corp.example
[dir]
CN = somebody
[odd]
subjectAltName = @odd_names
[odd_names]
DNS.1 = a.example\, DNS:b.example
DNS.2 = back\\slash
URI.1 = https://example/a b
[policies]
certificatePolicies = 1.3.6.1.4.1.32473.1,@policy
[policy]
policyIdentifier = 1.3.6.1.4.1.32473.2
CPS.1 = https://example.org/cps
userNotice.1 = @notice
[notice]
explicitText = UTF8:Prüfung
[everything]
basicConstraints = critical,CA:TRUE,pathlen:3
keyUsage = critical,keyCertSign,cRLSign,decipherOnly,keyAgreement
extendedKeyUsage = serverAuth,clientAuth,1.3.6.1.4.1.32473.3
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
nameConstraints = critical,permitted;DNS:example.org,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:.example.net
authorityInfoAccess = OCSP;URI:http://ocsp.example
crlDistributionPoints = URI:http://crl.example/ca.crl
tlsfeature = status_request
certificatePolicies = 2.5.29.32.0
[critical]
1.3.6.1.4.1.32473.9 = critical,ASN1:UTF8String:nobody knows
[uuid]
2.25.340282366920938463463374607431768211455 = ASN1:NULL
X
self san-every-kind ec.key -subj /CN=sans -config ext.cnf -extensions sans
self san-odd ec.key -subj /CN=odd -config ext.cnf -extensions odd
self policies ec.key -subj /CN=policies -config ext.cnf -extensions policies
self everything ec.key -subj /CN=everything -config ext.cnf -extensions everything
self unknown-critical ec.key -subj /CN=unknown -config ext.cnf -extensions critical
self oid-uuid ec.key -subj /CN=uuid -config ext.cnf -extensions uuid

# Versions, serial numbers, dates
openssl req -new -key ec.key -subj /CN=v1 -out v1.csr
openssl x509 -req -in v1.csr -signkey ec.key -days 3650 -out "$here/version-1.crt"
self serial-20-octets ec.key "${plain[@]}" -set_serial 0xffeeddccbbaa99887766554433221100ffeeddcc
self serial-small ec.key "${plain[@]}" -set_serial 0x80
self serial-zero ec.key "${plain[@]}" -set_serial 0
self serial-negative ec.key "${plain[@]}" -set_serial -5
touch index.txt; echo "unique_subject = no" > index.txt.attr
cat > ca.cnf <<'X'
[ca]
default_ca = dated
[dated]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
unique_subject = no
policy = any
[any]
commonName = supplied
X
openssl ca -batch -selfsign -config ca.cnf -keyfile ec.key -in v1.csr -notext -startdate 19500101000000Z -enddate 20491231235959Z -out "$here/dates-utc.crt"
openssl ca -batch -selfsign -config ca.cnf -keyfile ec.key -in v1.csr -notext -startdate 20500101000000Z -enddate 99991231235959Z -out "$here/dates-generalized.crt"

# A request with a public test key: an Ed25519 seed of 32 octets 07. Its signature is deterministic.
printf '302e020100300506032b657004220420%s' "$(printf '07%.0s' {1..32})" | node -e \
  'process.stdout.write(Buffer.from(require("fs").readFileSync(0, "latin1"), "hex"))' | openssl pkey -inform DER -out seed.key
openssl req -new -key seed.key -subj / -out "$here/request-ed25519.csr"
openssl req -verify -noout -in "$here/request-ed25519.csr"

# step, and the answers of step-ca for a certificate
step certificate create "Golden Root" root.crt root.key --profile root-ca --no-password --insecure --not-after 87600h
step certificate create "Golden Intermediate" intermediate.crt intermediate.key --profile intermediate-ca \
  --ca root.crt --ca-key root.key --no-password --insecure --not-after 87600h
step certificate create leaf.example leaf.crt leaf.key --ca intermediate.crt --ca-key intermediate.key \
  --no-password --insecure --not-after 24h --san leaf.example --san 10.1.2.3 --san spiffe://example/leaf --san jo@example.org
openssl pkcs8 -topk8 -nocrypt -in intermediate.key -out intermediate.p8
cat > ca.json <<'X'
{"root":"root.crt","crt":"intermediate.crt","key":"intermediate.p8","address":"127.0.0.1:19731","dnsNames":["localhost"],"authority":{}}
X
step-ca ca.json &
ca=$!
trap 'kill $ca; rm -rf "$work"' EXIT
for _ in $(seq 50); do curl -sf --cacert root.crt https://localhost:19731/health >/dev/null && break || sleep 0.1; done
ask() { curl -sf -X POST --cacert root.crt --cert leaf.crt --key leaf.key "https://localhost:19731/$1" -d "$2" | node -pe 'JSON.parse(require("fs").readFileSync(0)).crt.trim()'; }
ask renew '' > "$here/step-renewed.crt"
openssl req -new -key ec.key -subj / -out new.csr
ask rekey "$(node -pe 'JSON.stringify({csr: require("fs").readFileSync("new.csr", "utf8")})')" > "$here/step-rekeyed.crt"
sed '/END/q' leaf.crt > "$here/step-leaf.crt"
cp root.crt "$here/step-root.crt"
cp intermediate.crt "$here/step-intermediate.crt"
