<?php
$body = json_encode(['ref_id' => '115', 'product' => 'T1', 'dest' => '089660522887']);
[$time, $nonce] = [(string) time(), bin2hex(random_bytes(12))];
$text = "v1\n$time\n$nonce\nPOST\n/v1/purchases\n" . hash('sha256', $body);
$sign = 'v1=' . hash_hmac('sha256', $text, getenv('GERBANG_SECRET'));
echo file_get_contents('{base}/v1/purchases', false, stream_context_create(['http' => [
    'method' => 'POST', 'content' => $body, 'ignore_errors' => true,
    'header' => ['content-type: application/json', 'gerbang-key: ' . getenv('GERBANG_KEY'),
        "gerbang-timestamp: $time", "gerbang-nonce: $nonce", "gerbang-signature: $sign"]]]));
