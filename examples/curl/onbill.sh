#!/usr/bin/env bash
# Calls onbill as a partner, with bash, curl and OpenSSL 3. The profile is in docs/signing.md.
#
#   ONBILL_URL=https://pay.example.com ONBILL_KEYS=partner-netflix.json \
#     ./onbill.sh POST /ott/v1/pin '{"msisdn":"+12025550101","operator":"acme"}'
#
# The key file is a ring with one key on each line, as onbill writes it. No secret is ever an argument
# of a program, where other users of the machine would see it.
set -euo pipefail

method=$1
target=$2
body=${3-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A member of a key that is one line of JSON.
member() { sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" <<<"$1"; }

from_base64url() {
  local text
  text=$(tr '_-' '/+')
  while ((${#text} % 4)); do text="$text="; done
  base64 -d <<<"$text"
}

digest_of() { printf 'sha-256=:%s:' "$(openssl dgst -sha256 -binary "$1" | base64 -w 0)"; }

# HMAC-SHA-256 (RFC 2104) of the standard input, in base64. The key of 64 bytes or less is in hex.
hmac() {
  local inner='' outer='' byte i
  for ((i = 0; i < 128; i += 2)); do
    byte=${1:i:2}
    byte=$((16#${byte:-0}))
    printf -v inner '%s\\x%02x' "$inner" $((byte ^ 0x36))
    printf -v outer '%s\\x%02x' "$outer" $((byte ^ 0x5c))
  done
  { printf '%b' "$inner" && cat; } | openssl dgst -sha256 -binary >"$work/inner"
  { printf '%b' "$outer" && cat "$work/inner"; } | openssl dgst -sha256 -binary | base64 -w 0
}

# --- The request

scheme=${ONBILL_URL%%://*}
authority=${ONBILL_URL#*://}
authority=${authority%%/*}
authority=${authority,,}
case $scheme in
  https) authority=${authority%:443} ;;
  http) authority=${authority%:80} ;;
esac
path=${target%%\?*}
query=?
[[ $target == *\?* ]] && query="?${target#*\?}"

# The last key of a use signs: that is how keys rotate.
key=$(grep '"use":"partner-call"' "$ONBILL_KEYS" | tail -1) || true
if [[ -z $key ]]; then
  echo "$ONBILL_KEYS has no key of the use partner-call on a line of its own: nothing was sent" >&2
  exit 2
fi
names='"@method" "@authority" "@path" "@query"'
base="\"@method\": $method
\"@authority\": $authority
\"@path\": $path
\"@query\": $query
"
sent=(-H 'accept: application/json')
if [[ -n $body ]]; then
  printf '%s' "$body" >"$work/body"
  digest=$(digest_of "$work/body")
  names+=' "content-digest" "content-type"'
  base+="\"content-digest\": $digest
\"content-type\": application/json
"
  sent+=(-H 'content-type: application/json' -H "content-digest: $digest" --data-binary "@$work/body")
fi
nonce=$(openssl rand -hex 16)
params="($names);created=$(date +%s);nonce=\"$nonce\";keyid=\"$(member "$key" id)\";tag=\"onbill-partner-call\""
# No newline at the end of the text that is signed.
printf '%s"@signature-params": %s' "$base" "$params" >"$work/base"

# An Ed25519 seed as OpenSSL reads it (PKCS #8, RFC 8410).
{
  printf '\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20'
  member "$key" private | from_base64url
} >"$work/key.der"
openssl pkeyutl -sign -rawin -keyform DER -inkey "$work/key.der" -in "$work/base" -out "$work/signature"
signature=":$(base64 -w 0 <"$work/signature"):"

status=$(curl -sS --max-time 30 --path-as-is -X "$method" "${sent[@]}" \
  -H "signature-input: sig1=$params" -H "signature: sig1=$signature" \
  -D "$work/head" -o "$work/answer" -w '%{http_code}' "$scheme://$authority$target")
touch "$work/answer" # curl makes no file of an empty body

# --- The response

field() { tr -d '\r' <"$work/head" | sed -n "s/^$1: *//Ip" | tail -1; }
param() { sed -n "s/.*;$1=\"\{0,1\}\([^\";]*\).*/\1/p" <<<"$params"; }

# The operator that has signed the response: the key's party.
signer() {
  local covered='("@status" "content-digest" "content-type" "signature";req;key="sig1");'
  local params key digest secret created age
  params=$(field signature-input)
  params=${params#sig1=}
  [[ $params == "$covered"* && $(param tag) == onbill-answer ]] || return 1
  # bash runs commands in what it counts with, and no one has vouched for this text yet.
  created=$(param created)
  [[ $created =~ ^[1-9][0-9]{0,11}$ ]] || return 1
  age=$(($(date +%s) - created))
  ((age <= 300 && age >= -300)) || return 1
  key=$(grep '"use":"origin-to-partner"' "$ONBILL_KEYS" | grep -F "\"id\":\"$(param keyid)\"") || return 1
  digest=$(digest_of "$work/answer")
  [[ $(field content-digest) == "$digest" ]] || return 1
  secret=$(member "$key" secret | from_base64url | od -An -v -tx1 | tr -d ' \n')
  printf '"@status": %s\n"content-digest": %s\n"content-type": %s\n"signature";req;key="sig1": %s\n"@signature-params": %s' \
    "$status" "$digest" "$(field content-type)" "$signature" "$params" >"$work/response-base"
  [[ $(field signature) == "sig1=:$(hmac "$secret" <"$work/response-base"):" ]] || return 1
  member "$key" party
}

operator=
[[ $status == 2* ]] && operator=$(signer || true)
printf '%s signed by: %s\n' "$status" "${operator:-no one}"
cat "$work/answer"
echo
# Only what the operator has signed has happened. Repeat everything else with the same ids.
[[ -n $operator ]]
