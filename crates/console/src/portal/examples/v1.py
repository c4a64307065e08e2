import hashlib, hmac, json, os, secrets, time, urllib.request

body = json.dumps({"ref_id": "115", "product": "T1", "dest": "089660522887"}).encode()
now, nonce = str(int(time.time())), secrets.token_hex(12)
digest = hashlib.sha256(body).hexdigest()
text = "\n".join(["v1", now, nonce, "POST", "/v1/purchases", digest])
sign = hmac.new(os.environ["GERBANG_SECRET"].encode(), text.encode(), "sha256").hexdigest()
request = urllib.request.Request("{base}/v1/purchases", body, {
    "content-type": "application/json", "gerbang-key": os.environ["GERBANG_KEY"],
    "gerbang-timestamp": now, "gerbang-nonce": nonce, "gerbang-signature": "v1=" + sign})
print(urllib.request.urlopen(request, timeout=60).read().decode())
