import { useEffect, useRef, useState } from 'preact/hooks'
import { ErrorLine, Section, Waiting } from '../parts/basics'
import { bytes } from '../parts/words'
import { type Brought, bring } from '../service/bring'
import { guess, type Mapping } from '../service/mapping'
import { useAsked } from '../service/polled'
import { useMay } from '../service/rights'
import { ACCEPTED, type Row, readRows } from '../service/row-files'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { Columns } from './bring/columns'
import { Outcome, type State } from './bring/outcome'

/** Rows shown before anything is stored. */
const FIRST = 5

interface Chosen {
  file: File
  columns: string[]
  first: Row[]
  mapping: Mapping
}

/** A file is dropped, its columns are looked at, and its rows stream into the collection. */
export function BringPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [brought, setBrought] = useState<Brought | null>(null)
  const [state, setState] = useState<State>('done')
  const isBusy = state === 'under way'
  const mayWrite = useMay('points', name)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  if (!info.value) return <Waiting of={info} />
  const vectors = [...Object.keys(vectorsOf(info.value)), ...Object.keys(info.value.config.params.sparse_vectors ?? {})]

  const choose = async (file: File | undefined) => {
    if (!file || isBusy) return
    setBrought(null)
    try {
      setChosen(await lookAt(file, vectors))
      setError(null)
    } catch (failure) {
      setChosen(null)
      setError(failure as Error)
    }
  }
  const start = async () => {
    if (!chosen) return
    const { file, mapping } = chosen
    stop.current = new AbortController()
    const { signal } = stop.current
    setState('under way')
    setError(null)
    try {
      const source = sourceOf(chosen)
      setBrought(await bring({ path, pieces: readRows(file), mapping, source, signal, onProgress: setBrought }))
      setState('done')
    } catch (failure) {
      setError(signal.aborted ? new Error('Stopped. The rows so far are stored.') : (failure as Error))
      setState('broken off')
    }
  }
  return (
    <>
      <h1>Bring data to {name}</h1>
      <Drop isBusy={isBusy} onFile={(file) => void choose(file)} />
      <ErrorLine error={error} />
      {chosen && (
        <Section title={`${chosen.file.name}, ${bytes(chosen.file.size)}`}>
          <Columns
            {...chosen}
            vectors={vectors}
            onChange={(mapping) => {
              setChosen({ ...chosen, mapping })
              setBrought(null)
            }}
          />
          {mayWrite ? (
            <p class="row">
              <button type="button" disabled={isBusy} onClick={() => void start()}>
                Store the rows
              </button>
              {isBusy && (
                <button type="button" class="plain" onClick={() => stop.current?.abort()}>
                  Stop
                </button>
              )}
            </p>
          ) : (
            <p>Your key may not write to this collection.</p>
          )}
        </Section>
      )}
      {brought && <Outcome brought={brought} state={state} />}
    </>
  )
}

/** While rows are on their way, no other file is taken. */
function Drop({ isBusy, onFile }: { isBusy: boolean; onFile: (file: File | undefined) => void }) {
  return (
    <label
      class="drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        onFile(event.dataTransfer?.files[0])
      }}
    >
      Drop a file here, or choose one: JSON lines, a JSON array, CSV or Parquet
      <input
        type="file"
        accept={ACCEPTED}
        disabled={isBusy}
        onChange={(event) => onFile(event.currentTarget.files?.[0])}
      />
    </label>
  )
}

async function lookAt(file: File, vectors: readonly string[]): Promise<Chosen> {
  const first: Row[] = []
  for await (const { rows } of readRows(file)) {
    first.push(...rows.slice(0, FIRST - first.length))
    if (first.length >= FIRST) break
  }
  if (first.length === 0) throw new Error(`${file.name}: the file has no rows`)
  const columns = [...new Set(first.flatMap(({ value }) => Object.keys(value ?? {})))]
  return { file, columns, first, mapping: guess(columns, first, vectors) }
}

/** Another choice of columns is another source: its rows are other points. Addresses without TLS have no `crypto.subtle`. */
function sourceOf({ file, mapping }: Chosen): string {
  const text = JSON.stringify([file.name, file.size, file.lastModified, mapping])
  return `console-${fnv(text, 0x811c9dc5)}${fnv(text, 0x01000193)}`
}

/** FNV-1a with 32 bits (Fowler, Noll and Vo), in eight hexadecimal digits. */
function fnv(text: string, basis: number): string {
  let hash = basis
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
