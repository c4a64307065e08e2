// hmac, sha2, getrandom, reqwest
let body = r#"{"ref_id":"115","product":"T1","dest":"089660522887"}"#;
let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().to_string();
let mut random = [0; 12];
getrandom::fill(&mut random)?;
let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
let nonce = hex(&random);
let digest = hex(&Sha256::digest(body));
let text = format!("v1\n{now}\n{nonce}\nPOST\n/v1/purchases\n{digest}");
let mut mac = Hmac::<Sha256>::new_from_slice(env::var("GERBANG_SECRET")?.as_bytes())?;
mac.update(text.as_bytes());
let sign = format!("v1={}", hex(&mac.finalize().into_bytes()));
let answer = reqwest::Client::new().post("{base}/v1/purchases").body(body)
    .header("content-type", "application/json").header("gerbang-key", env::var("GERBANG_KEY")?)
    .header("gerbang-timestamp", now).header("gerbang-nonce", nonce)
    .header("gerbang-signature", sign).send().await?;
println!("{}", answer.text().await?);
