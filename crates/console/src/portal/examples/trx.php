<?php
$query = http_build_query(['product' => 'T1', 'dest' => '089660522887', 'refID' => '114',
    'memberID' => '{code}', 'pin' => getenv('PIN'), 'password' => getenv('PASSWORD')]);
echo file_get_contents('{base}/trx?' . $query);
