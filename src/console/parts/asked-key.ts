import { useEffect, useRef, useState } from 'preact/hooks'
import { onKeyAsked } from '../service/session'

interface AskedKey {
  isAsked: boolean
  ask: () => void
  /** After the dialog: whether a key was given. */
  onDone: (isGiven: boolean) => void
}

/**
 * Whether the key is asked for: requests that the service refused wait for it. A user that gives none is asked again after
 * the next click or form alone, and not by questions that repeat.
 */
export function useAskedKey(): AskedKey {
  const [isAsked, setIsAsked] = useState(false)
  const isDeclined = useRef(false)
  const waiting = useRef<((isGiven: boolean) => void)[]>([])
  useEffect(() => {
    const acted = ({ target }: Event) => {
      const by = (target as Element).closest('a, button, form, summary')
      if (by && !by.closest('dialog')) isDeclined.current = false
    }
    const stop = onKeyAsked(() => {
      if (isDeclined.current) return Promise.resolve(false)
      setIsAsked(true)
      return new Promise((resolve) => waiting.current.push(resolve))
    })
    addEventListener('click', acted, true)
    addEventListener('submit', acted, true)
    return () => {
      stop()
      removeEventListener('click', acted, true)
      removeEventListener('submit', acted, true)
    }
  }, [])
  const onDone = (isGiven: boolean) => {
    isDeclined.current = !isGiven
    setIsAsked(false)
    for (const tell of waiting.current.splice(0)) tell(isGiven)
  }
  return { isAsked, ask: () => setIsAsked(true), onDone }
}
