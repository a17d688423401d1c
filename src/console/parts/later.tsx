/** A part of the console whose code is loaded when it is first shown. */
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ErrorLine } from './basics'

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  return function Later(parts: P) {
    const [Loaded, setLoaded] = useState<ComponentType<P> | null>(null)
    const [error, setError] = useState<Error | null>(null)
    useEffect(() => {
      load().then((loaded) => setLoaded(() => loaded), setError)
    }, [])
    if (Loaded) return <Loaded {...parts} />
    return error ? <ErrorLine error={error} /> : <p class="quiet">Loading …</p>
  }
}
