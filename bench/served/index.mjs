// Servers, by name. `open` starts one, fills it and answers { port, protocol, efforts, variants, opening, encode, decode, stop }:
// a connection begins with the requests of `opening(effort)`; `encode(query, effort, variant)` is a request's bytes,
// `decode` an answer's ids.
export const SERVED = {
  vicinal: () => import('./vicinal.mjs'),
  redis: () => import('./redis.mjs'),
  pgvector: () => import('./pgvector.mjs'),
}
