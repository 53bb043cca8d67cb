// A buyer in TypeScript, with the types that openapi-typescript makes of the API's description.
import type { components, paths } from "./api";

declare const process: { argv: string[] };

type Registration = components["schemas"]["Registration"];
type Session = paths["/auth/register"]["post"]["responses"][201]["content"]["application/json"];
type Products = paths["/products"]["get"]["responses"][200]["content"]["application/json"];
type NewOrder = components["schemas"]["NewOrder"];
type Order = paths["/orders"]["post"]["responses"][201]["content"]["application/json"];
type Checkout = paths["/payments/create-session"]["post"]["responses"][200]["content"]["application/json"];
type Problem = components["schemas"]["Problem"];

const shop = process.argv[2];

async function ask<Answer>(path: keyof paths, body?: object, token?: string): Promise<Answer> {
  const answer = await fetch(shop + path, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  });
  if (!answer.ok) throw new Error(((await answer.json()) as Problem).detail);
  return (await answer.json()) as Answer;
}

async function buy(): Promise<void> {
  const who: Registration = { email: "typescript@shop.example", password: "correct horse battery" };
  const { token, user } = await ask<Session>("/auth/register", who);
  const { products } = await ask<Products>("/products");
  const wanted: NewOrder = { items: [{ productId: products[0].id, quantity: 1 }] };
  const { order } = await ask<Order>("/orders", wanted, token);
  const status: "PENDING" | "CONFIRMED" | "CANCELLED" | "FAILED" | "REFUNDED" = order.status;
  const { checkoutUrl } = await ask<Checkout>("/payments/create-session", { orderId: order.id }, token);
  const until = new Date(order.expiresAt).getTime();
  console.log(JSON.stringify({ user: user.id, status, total: order.totalAmountMinor, until, checkoutUrl }));
}

buy();
