/** Points that were written since a map was drawn: each stands amid its neighbours. */
import { useEffect, useState } from 'preact/hooks'
import { type Lit, withPage } from './added'
import { MAP_MOST_POINTS } from './amounts'
import type { Projected } from './messages'
import { neighbourPage } from './projection'

const LOOK_EVERY_MS = 3_000

interface Known extends Lit {
  error: Error | null
}

/** Looks again and again, as long as the page is shown. */
export function useWritten(
  path: string,
  drawn: Projected & { using: string; share: number; filter: object | undefined; operation: number },
): Known {
  const [known, setKnown] = useState<Known>({ points: drawn, lit: new Set(), left: 0, error: null })
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let now: Known = { points: drawn, lit: new Set(), left: 0, error: null }
    let { operation } = drawn
    const placeOf = new Map(drawn.ids.map((id, place) => [id, place]))
    const look = async () => {
      try {
        if (!document.hidden) {
          const { signal } = stop
          const page = await neighbourPage({ path, ...drawn, signal }, { after_operation: operation })
          operation = page.operation_id
          if (page.ids.length > 0 || now.error) now = { ...withPage(now, page, placeOf, MAP_MOST_POINTS), error: null }
        }
      } catch (error) {
        now = { ...now, error: error as Error }
      }
      if (stop.signal.aborted) return
      setKnown(now)
      timer = setTimeout(look, LOOK_EVERY_MS)
    }
    timer = setTimeout(look, LOOK_EVERY_MS)
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [path, drawn])
  return known
}
