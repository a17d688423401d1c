import type { Server } from 'node:http'

type Listener = (...given: never[]) => void

/** Calls `take` before the listeners of a server's event. If it returns true, the listeners are not called. */
export function beforeListeners<G extends unknown[]>(
  server: Server,
  event: 'connection' | 'request',
  take: (...given: G) => boolean,
): void {
  const listeners = server.listeners(event) as Listener[]
  server.removeAllListeners(event)
  server.on(event, (...given: unknown[]) => {
    if (take(...(given as G))) return
    for (const listener of listeners) Reflect.apply(listener, server, given)
  })
}
