#!/usr/bin/env bash
# Makes every file of this folder except README.md. Needs openssl 3, step and keytool (Java 17) on the PATH.
set -euo pipefail
cd "$(dirname "$0")"
find . -type f ! -name make.sh ! -name README.md -delete
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export STEPPATH="$work/step"
password='correct horse battery staple'
printf '%s' "$password" > password.txt
pass=(-passin file:password.txt)
sealed=(-passout file:password.txt)

# A chain of step: leaf, intermediate, root. Keys as step writes them, plain (SEC1) and with a password.
profile=(--no-password --insecure --not-after 87600h)
step certificate create 'Golden Root' root.crt "$work/root.key" --profile root-ca "${profile[@]}"
step certificate create 'Golden Intermediate' intermediate.crt "$work/int.key" --profile intermediate-ca \
  --ca root.crt --ca-key "$work/root.key" "${profile[@]}"
step certificate create leaf.example leaf.crt step-plain.key --profile leaf --san leaf.example \
  --ca intermediate.crt --ca-key "$work/int.key" "${profile[@]}"
step certificate create leaf.example step-encrypted.crt step-encrypted.key --profile leaf --san leaf.example \
  --ca intermediate.crt --ca-key "$work/int.key" --not-after 87600h --password-file password.txt
step crypto keypair "$work/ed.pub" step-ed25519.key --kty OKP --crv Ed25519 --no-password --insecure
step crypto keypair "$work/ed2.pub" step-ed25519-encrypted.key --kty OKP --crv Ed25519 --password-file password.txt

# Keys of OpenSSL.
openssl ecparam -name prime256v1 -genkey -out openssl-ecparam.key
openssl genrsa -traditional -out openssl-pkcs1.key 2048 2> /dev/null
openssl pkcs8 -topk8 -nocrypt -in openssl-pkcs1.key -out openssl-pkcs8.key
openssl genpkey -algorithm ed25519 -out openssl-ed25519.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -out pbes2-default.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000 \
  -out pbes2-aes128-sha512.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -v2 des3 -v2prf hmacWithSHA1 -iter 1000 -out pbes2-des3-sha1.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -scrypt -out pbes2-scrypt.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -v1 PBE-SHA1-3DES -out pbes1-3des.key
openssl pkcs8 -topk8 -in step-plain.key "${sealed[@]}" -v1 PBE-MD5-DES -provider legacy -provider default \
  -out pbes1-md5-des.key
for cipher in aes128 aes192 aes256 des3; do
  openssl rsa -in openssl-pkcs1.key "-$cipher" -traditional "${sealed[@]}" -out "legacy-rsa-$cipher.key" 2> /dev/null
  openssl ec -in step-plain.key "-$cipher" "${sealed[@]}" -out "legacy-ec-$cipher.key" 2> /dev/null
done

# PKCS#12 of OpenSSL and keytool.
cat intermediate.crt root.crt > "$work/chain.pem"
export12=(openssl pkcs12 -export -inkey step-plain.key -in leaf.crt -name leaf.example "${sealed[@]}")
"${export12[@]}" -certfile intermediate.crt -caname 'the intermediate' -out openssl.p12
"${export12[@]}" -certfile "$work/chain.pem" -out openssl-with-root.p12
"${export12[@]}" -out openssl-leaf-alone.p12
"${export12[@]}" -certfile intermediate.crt -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 -out openssl-3des.p12
"${export12[@]}" -certfile intermediate.crt -certpbe NONE -nomac -out openssl-plain-certificates-no-mac.p12
"${export12[@]}" -certfile intermediate.crt -legacy -out openssl-rc2.p12
openssl pkcs12 -export -nokeys -in leaf.crt "${sealed[@]}" -out openssl-no-key.p12
store=(-storetype PKCS12 -storepass "$password")
keytool -importkeystore -noprompt -srckeystore openssl.p12 -srcstoretype PKCS12 -srcstorepass "$password" \
  -destkeystore keytool.p12 -deststoretype PKCS12 -deststorepass "$password" 2> /dev/null
cp keytool.p12 keytool-with-trust.p12
keytool -importcert -noprompt -alias trusted -file root.crt -keystore keytool-with-trust.p12 "${store[@]}" 2> /dev/null
chmod 644 -- *.crt *.key *.p12 *.txt
