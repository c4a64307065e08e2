const { createHash, createHmac, randomBytes } = require("node:crypto");
const body = JSON.stringify({ ref_id: "115", product: "T1", dest: "089660522887" });
const time = String(Math.floor(Date.now() / 1000)), nonce = randomBytes(12).toString("hex");
const digest = createHash("sha256").update(body).digest("hex");
const text = ["v1", time, nonce, "POST", "/v1/purchases", digest].join("\n");
const sign = "v1=" + createHmac("sha256", process.env.GERBANG_SECRET).update(text).digest("hex");
fetch("{base}/v1/purchases", { method: "POST", body, headers: {
  "content-type": "application/json", "gerbang-key": process.env.GERBANG_KEY,
  "gerbang-timestamp": time, "gerbang-nonce": nonce, "gerbang-signature": sign } })
  .then((answer) => answer.text()).then(console.log);
