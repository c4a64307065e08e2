const query = new URLSearchParams({ product: "T1", dest: "089660522887", refID: "114",
  memberID: "{code}", pin: process.env.PIN, password: process.env.PASSWORD });
fetch("{base}/trx?" + query).then((answer) => answer.text()).then(console.log);
