body='{"ref_id":"115","product":"T1","dest":"089660522887"}'
time=$(date +%s); nonce=$(openssl rand -hex 12)
digest=$(printf '%s' "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
sign=$(printf 'v1\n%s\n%s\nPOST\n/v1/purchases\n%s' "$time" "$nonce" "$digest" |
  openssl dgst -sha256 -hmac "$GERBANG_SECRET" -r | cut -d' ' -f1)
curl -s '{base}/v1/purchases' -H 'content-type: application/json' -d "$body" \
  -H "gerbang-key: $GERBANG_KEY" -H "gerbang-timestamp: $time" \
  -H "gerbang-nonce: $nonce" -H "gerbang-signature: v1=$sign"
