// What one would write first: a handler that does the same three writes on PostgreSQL in one
// transaction for each request, with a pool. For comparison only: `bench accepts` starts it.
import http from "node:http";
import pg from "pg";

const pool = new pg.Pool({ max: Number(process.env.POOL), connectionString: process.env.DATABASE_URL });

http
  .createServer(async (request, response) => {
    const fields = new URL(request.url, "http://h").searchParams;
    const client = await pool.connect();
    let text;
    try {
      await client.query("BEGIN");
      const { rows } = await client.query({
        name: "debit",
        text: "UPDATE account SET balance = balance - 1321 WHERE member = $1 AND balance >= 1321 RETURNING balance",
        values: [fields.get("memberID")],
      });
      if (rows.length === 0) throw new Error("balance");
      const trx = await client.query({
        name: "trx",
        text: "INSERT INTO trx (member, ref, product, dest, price) VALUES ($1, $2, $3, $4, 1321) RETURNING no",
        values: [fields.get("memberID"), fields.get("refID"), fields.get("product"), fields.get("dest")],
      });
      await client.query({
        name: "ledger",
        text: "INSERT INTO ledger (trx, member, amount, balance) VALUES ($1, $2, -1321, $3)",
        values: [trx.rows[0].no, fields.get("memberID"), rows[0].balance],
      });
      await client.query("COMMIT");
      text = `T#${trx.rows[0].no} R#${fields.get("refID")} T1.${fields.get("dest")} akan diproses. Saldo ${rows[0].balance}`;
    } catch (error) {
      await client.query("ROLLBACK");
      text = `GAGAL. ${error.message}`;
    } finally {
      client.release();
    }
    response.setHeader("content-length", Buffer.byteLength(text));
    response.end(text);
  })
  .listen(Number(process.env.PORT), "127.0.0.1", function () {
    console.log(`listening on http://127.0.0.1:${this.address().port}`);
  });
