// Servers, by name. `open` starts one, fills it and answers { port, protocol, efforts, variants, opening, encode, decode, stop }:
// a connection of `protocol(variant)` begins with the requests of `opening(effort, variant)`; `encode(query, effort, variant)` is a request's bytes,
// `decode(bytes, variant)` an answer's ids.
export const SERVED = {
  vicinal: () => import('./vicinal.mjs'),
  redis: () => import('./redis.mjs'),
  pgvector: () => import('./pgvector.mjs'),
}
