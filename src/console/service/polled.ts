import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { onKeyKept } from './session'

export interface Asked<T> {
  value: T | null
  error: Error | null
  again: () => void
}

/**
 * The answer to a question. It is asked when the page is shown, and again when `deps` or the key change. With `everyMs`
 * it is also asked in that interval while the tab is seen. An answer that comes late, after other `deps`, is dropped.
 */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, deps: unknown[], everyMs?: number): Asked<T> {
  const [state, setState] = useState<{ value: T | null; error: Error | null }>({ value: null, error: null })
  const [turn, setTurn] = useState(0)
  const latest = useRef(ask)
  latest.current = ask
  useEffect(() => onKeyKept(() => setTurn((before) => before + 1)), [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what the question depends on
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let isAsked = false
    const look = async () => {
      try {
        // Only repeats wait until the tab is seen.
        if (!isAsked || !document.hidden) {
          isAsked = true
          setStateIf(await latest.current(stop.signal), null)
        }
      } catch (error) {
        setStateIf(undefined, error as Error)
      }
      if (everyMs !== undefined && !stop.signal.aborted) timer = setTimeout(look, everyMs)
    }
    const setStateIf = (value: T | undefined, error: Error | null) => {
      if (!stop.signal.aborted) setState((before) => ({ value: value === undefined ? before.value : value, error }))
    }
    void look()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [...deps, turn, everyMs])
  return { ...state, again: useCallback(() => setTurn((before) => before + 1), []) }
}
