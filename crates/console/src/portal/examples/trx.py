import os, urllib.parse, urllib.request

query = urllib.parse.urlencode({"product": "T1", "dest": "089660522887", "refID": "114",
    "memberID": "{code}", "pin": os.environ["PIN"], "password": os.environ["PASSWORD"]})
print(urllib.request.urlopen("{base}/trx?" + query, timeout=60).read().decode())
