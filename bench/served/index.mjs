// Servers, by name. `open` starts one, fills it and answers { efforts, variants, connect, stop }: `connect(effort)` is a
// connection with `encode(query, effort, variant)` and `ask(bytes, isWanted)`, which resolves to ids where they are
// wanted.
export const SERVED = {
  vicinal: () => import('./vicinal.mjs'),
  redis: () => import('./redis.mjs'),
  pgvector: () => import('./pgvector.mjs'),
}
