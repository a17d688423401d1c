import type { IncomingHttpHeaders } from 'node:http'

/** Body bytes that the request's head declares; Infinity if it declares none. */
export function declaredBytes({ headers }: { headers: IncomingHttpHeaders }): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.POSITIVE_INFINITY
}
