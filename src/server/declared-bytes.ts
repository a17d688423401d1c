import type { IncomingHttpHeaders } from 'node:http'

/** Bytes of a body as its request's head has them; Infinity where that leaves them open. */
export function declaredBytes({ headers }: { headers: IncomingHttpHeaders }): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY
}
