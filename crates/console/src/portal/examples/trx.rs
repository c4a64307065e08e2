// gerbang-client repeats nothing by itself and knows every answer of the protocol.
use gerbang_client::{Account, Client, Patience, Wanted};

let account = Account::plain("{base}", "{code}", &env::var("PIN")?, &env::var("PASSWORD")?)?;
let wanted = Wanted::new(&"T1".parse()?, "089660522887".parse()?, "114".parse()?);
let told = Client::new(account)?.buy_and_wait(&wanted, Patience::default(), |_| ()).await;
println!("{}", told.outcome);
