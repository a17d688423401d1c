import { useEffect, useRef, useState } from 'preact/hooks'
import { ErrorLine, Section, Waiting } from '../parts/basics'
import { bytes, whole } from '../parts/words'
import { type Brought, bring } from '../service/bring'
import { guess, type Mapping } from '../service/mapping'
import { useAsked } from '../service/polled'
import { useMay } from '../service/rights'
import type { Row } from '../service/row'
import { ACCEPTED, readRows } from '../service/row-files'
import { ask } from '../service/session'
import { type CollectionInfo, vectorsOf } from '../service/types'
import { Columns } from './bring/columns'
import { Outcome } from './bring/outcome'
import { keepReport, keptReport, type Report } from './bring/report'

/** Rows shown before anything is stored. */
const FIRST = 5
/** Smaller files of lines are read to their end beforehand, so that their rows are known. */
const MOST_COUNTED_BYTES = 4 * 1024 * 1024

interface Chosen {
  file: File
  columns: string[]
  first: Row[]
  /** Rows of the file; null where only its end tells. */
  rows: number | null
  mapping: Mapping
}

/** A file is dropped, its columns are looked at, and its rows stream into the collection. */
export function BringPage({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}`
  const info = useAsked((signal) => ask<CollectionInfo>('GET', path, undefined, signal), [path])
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const { report, start, stop, forget } = useImport(name, path, info.again)
  const isBusy = report?.state === 'under way'
  const mayWrite = useMay('points', name)
  if (!info.value) return <Waiting of={info} />
  const { points_count } = info.value
  const vectors = [...Object.keys(vectorsOf(info.value)), ...Object.keys(info.value.config.params.sparse_vectors ?? {})]

  const choose = async (file: File | undefined) => {
    if (!file || isBusy) return
    forget()
    try {
      setChosen(await lookAt(file, vectors))
      setError(null)
    } catch (failure) {
      setChosen(null)
      setError(failure as Error)
    }
  }
  return (
    <>
      <h1>Bring data to {name}</h1>
      <Drop isBusy={isBusy} onFile={(file) => void choose(file)} />
      <ErrorLine error={error ?? report?.error ?? null} />
      {chosen && (
        <Section title={`${chosen.file.name}, ${bytes(chosen.file.size)}`}>
          <Columns
            {...chosen}
            vectors={vectors}
            onChange={(mapping) => {
              setChosen({ ...chosen, mapping })
              forget()
            }}
          />
          {!report && <p>{beforehand(name, chosen.rows, points_count)}</p>}
          {mayWrite ? (
            <p class="row">
              <button type="button" disabled={isBusy} onClick={() => void start(chosen, points_count)}>
                Store the rows
              </button>
              {isBusy && (
                <button type="button" class="plain" onClick={stop}>
                  Stop
                </button>
              )}
            </p>
          ) : (
            <p>Your key may not write to this collection.</p>
          )}
        </Section>
      )}
      {report?.brought && (
        <Outcome
          {...report}
          name={name}
          brought={report.brought}
          points={isBusy ? null : { before: report.points, now: points_count }}
        />
      )}
    </>
  )
}

/** Tells the effect of the button before it is pressed. */
function beforehand(name: string, rows: number | null, points: number): string {
  const count =
    rows === null ? 'Only its end tells how many rows the file has.' : `The file has ${counted(rows, 'row')}.`
  return `${count} ${name} has ${counted(points, 'point')}. A row whose id exists replaces that point.`
}

function counted(count: number, what: string): string {
  return `${whole(count)} ${what}${count === 1 ? '' : 's'}`
}

/** The last import of the collection in this tab. The one under way ends with the page. */
function useImport(name: string, path: string, onEnd: () => void) {
  const [report, setReport] = useState(() => keptReport(name))
  const underWay = useRef<AbortController | null>(null)
  useEffect(() => () => underWay.current?.abort(), [])
  const tell = (next: Report | null) => {
    keepReport(name, next)
    setReport(next)
  }
  const start = async (chosen: Chosen, points: number) => {
    const { file, mapping } = chosen
    underWay.current = new AbortController()
    const { signal } = underWay.current
    let now: Report = { file: file.name, brought: null, state: 'under way', error: null, points }
    const tellMore = (more: Partial<Report>) => {
      now = { ...now, ...more }
      tell(now)
    }
    tellMore({})
    try {
      const onProgress = (brought: Brought) => tellMore({ brought })
      const source = sourceOf(chosen)
      const brought = await bring({ path, pieces: readRows(file), mapping, source, signal, onProgress })
      tellMore({ brought, state: 'done' })
    } catch (failure) {
      const error = signal.aborted ? new Error('Stopped. The rows so far are stored.') : (failure as Error)
      tellMore({ state: 'broken off', error })
    }
    onEnd()
  }
  return { report, start, stop: () => underWay.current?.abort(), forget: () => tell(null) }
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
  let read = 0
  let rows: number | null = null
  let isWhole = true
  for await (const piece of readRows(file)) {
    first.push(...piece.rows.slice(0, FIRST - first.length))
    read += piece.rows.length
    rows = piece.all ?? null
    isWhole = first.length < FIRST || (rows === null && file.size <= MOST_COUNTED_BYTES)
    if (!isWhole) break
  }
  if (first.length === 0) throw new Error(`${file.name}: the file has no rows`)
  const columns = [...new Set(first.flatMap(({ value }) => Object.keys(value ?? {})))]
  return { file, columns, first, rows: rows ?? (isWhole ? read : null), mapping: guess(columns, first, vectors) }
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
