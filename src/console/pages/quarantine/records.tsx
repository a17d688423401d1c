import { useState } from 'preact/hooks'
import { ErrorLine, Section, Waiting } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { MayRead } from '../../parts/may'
import { Pager } from '../../parts/pager'
import { whole } from '../../parts/words'
import { type Asked, useAsked } from '../../service/polled'
import { FIXES, type QuarantinedRecord, type RepairResult } from '../../service/quarantine'
import { useMay } from '../../service/rights'
import { ask, Refused } from '../../service/session'
import type { PointId } from '../../service/types'
import { RecordCard } from './record-card'

const PAGE = 24
/** Rules that are told by name. A collection has at most 64 at once, and rows of former rules stay. */
const MOST_RULES = 256

interface Parts {
  name: string
  /** The collection that has the records. */
  quarantine: string
  vectors: readonly string[]
}

interface Page {
  points: QuarantinedRecord[]
  next_page_offset: PointId | null
}

interface Hits {
  hits: { value: string; count: number }[]
}

/** Rows that were kept back, for callers that may read them. */
export function Records(parts: Parts) {
  const { quarantine } = parts
  return (
    <Section title="Quarantine">
      <MayRead what="points" of={quarantine} otherwise={`These rights do not read the quarantine ${quarantine}.`}>
        <Rows {...parts} />
      </MayRead>
    </Section>
  )
}

/** By rule: chosen ones are mended and stored, or deleted. */
function Rows({ name, quarantine, vectors }: Parts) {
  const path = `/collections/${encodeURIComponent(quarantine)}`
  const mayDelete = useMay('points', quarantine)
  const mayRepair = useMay('points', name) && mayDelete
  const [rule, setRule] = useState<string | null>(null)
  const [starts, setStarts] = useState<(PointId | null)[]>([null])
  const [chosen, setChosen] = useState<ReadonlySet<PointId>>(new Set())
  const [result, setResult] = useState<RepairResult | null>(null)
  const ofCollection = { key: 'collection', match: { value: name } }
  const must = rule === null ? [ofCollection] : [ofCollection, { key: 'rule', match: { value: rule } }]
  const page = useAsked(
    (signal) => {
      const body = { limit: PAGE, with_payload: true, filter: { must }, offset: starts.at(-1) ?? undefined }
      return ifThere(ask<Page>('POST', `${path}/points/scroll`, body, signal), { points: [], next_page_offset: null })
    },
    [path, rule, starts.length],
  )
  const rules = useRules(path, { must: [ofCollection] })
  const changed = () => {
    setChosen(new Set())
    page.again()
    rules.again()
  }
  const pick = (next: string | null) => {
    setRule(next)
    setStarts([null])
    setChosen(new Set())
  }
  const repair = async (body: object) => {
    setResult(await ask<RepairResult>('POST', `/collections/${encodeURIComponent(name)}/ingest/repair`, body))
    changed()
  }
  const turn = (next: (PointId | null)[]) => {
    setStarts(next)
    // Rows that are not seen are not chosen.
    setChosen(new Set())
  }
  const points = page.value?.points ?? []
  const all = points.map(({ id }) => id)
  const next = page.value?.next_page_offset ?? null
  return (
    <>
      <RuleFilter all={rules.value?.all ?? 0} hits={rules.value?.hits ?? []} picked={rule} onPick={pick} />
      <ErrorLine error={page.error ?? rules.error} />
      {!page.value && <Waiting of={page} />}
      {page.value && points.length === 0 && (
        <p class="quiet">{starts.length > 1 ? 'No row is left on this page.' : 'No row is in quarantine.'}</p>
      )}
      {points.length > 0 && mayDelete && (
        <Repairs
          path={path}
          ids={[...chosen]}
          mendable={points.flatMap(({ id, payload }) => (chosen.has(id) && !('text' in payload.record) ? [id] : []))}
          vectors={vectors}
          isAll={all.every((id) => chosen.has(id))}
          onAll={(isAll) => setChosen(new Set(isAll ? all : []))}
          onRepair={mayRepair ? repair : null}
          onChange={changed}
        />
      )}
      {result && <Result result={result} />}
      <div class="cards">
        {points.map((record) => (
          <RecordCard
            key={record.id}
            record={record}
            isChosen={chosen.has(record.id)}
            onChoose={(isChosen) => {
              const ids = new Set(chosen)
              if (isChosen) ids.add(record.id)
              else ids.delete(record.id)
              setChosen(ids)
            }}
            onRepair={mayRepair ? repair : null}
            isOffered={mayDelete}
          />
        ))}
      </div>
      {(next !== null || starts.length > 1) && <Pager starts={starts} next={next} onTurn={turn} />}
    </>
  )
}

/** The rules by which rows are here, and the number of all rows. */
function useRules(path: string, filter: object): Asked<Hits & { all: number }> {
  return useAsked(
    async (signal) => {
      const facet = { key: 'rule', limit: MOST_RULES, exact: true, filter }
      const [{ hits }, { count }] = await Promise.all([
        ifThere(ask<Hits>('POST', `${path}/facet`, facet, signal), { hits: [] }),
        ifThere(ask<{ count: number }>('POST', `${path}/points/count`, { exact: true, filter }, signal), { count: 0 }),
      ])
      return { hits, all: count }
    },
    [path],
  )
}

/** A quarantine that was deleted is made again with its next record. */
async function ifThere<T>(asked: Promise<T>, none: T): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return none
    throw error
  }
}

interface FilterParts {
  all: number
  hits: Hits['hits']
  picked: string | null
  onPick: (rule: string | null) => void
}

function RuleFilter({ all, hits, picked, onPick }: FilterParts) {
  if (hits.length === 0) return null
  const options: [string | null, string, number][] = [
    [null, 'All rules', all],
    ...hits.map(({ value, count }): [string, string, number] => [value, value, count]),
  ]
  return (
    <ul class="chips" aria-label="Rows by rule">
      {options.map(([rule, text, count]) => (
        <li key={text} class="chip">
          <button type="button" class="value" aria-pressed={rule === picked} onClick={() => onPick(rule)}>
            {text}
          </button>{' '}
          <span class="quiet">{whole(count)}</span>
        </li>
      ))}
    </ul>
  )
}

interface RepairParts {
  path: string
  ids: PointId[]
  /** Ids of records that are kept whole. */
  mendable: PointId[]
  vectors: readonly string[]
  isAll: boolean
  onAll: (isAll: boolean) => void
  /** Null for callers that may only delete. */
  onRepair: ((body: object) => Promise<void>) | null
  onChange: () => void
}

function Repairs({ path, ids, mendable, vectors, isAll, onAll, onRepair, onChange }: RepairParts) {
  const [fix, setFix] = useState('')
  const [vector, setVector] = useState<string | null>(null)
  const [isDeleting, setIsDeleting] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await onRepair?.({ ids: mendable, ...(fix ? { fix } : {}), ...(fix && vector !== null ? { vector } : {}) })
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <form class="row repairs" onSubmit={submit}>
      <label class="row">
        <input type="checkbox" checked={isAll} onChange={(event) => onAll(event.currentTarget.checked)} />
        All rows of this page
      </label>
      {onRepair && (
        <FixChoice
          vectors={vectors}
          fix={fix}
          onFix={setFix}
          vector={vector}
          onVector={setVector}
          count={mendable.length}
        />
      )}
      <button type="button" class="danger" disabled={ids.length === 0} onClick={() => setIsDeleting(true)}>
        Delete them …
      </button>
      <ErrorLine error={error} />
      {isDeleting && (
        <Confirm
          title={`Delete ${whole(ids.length)} rows`}
          text="The quarantine forgets them. They cannot be mended later."
          action="Delete them"
          run={async () => {
            await ask('POST', `${path}/points/delete?wait=true`, { points: ids })
          }}
          onDone={(isRun) => {
            setIsDeleting(false)
            if (isRun) onChange()
          }}
        />
      )}
    </form>
  )
}

interface FixParts {
  vectors: readonly string[]
  fix: string
  onFix: (fix: string) => void
  vector: string | null
  onVector: (vector: string | null) => void
  count: number
}

function FixChoice({ vectors, fix, onFix, vector, onVector, count }: FixParts) {
  return (
    <>
      <select aria-label="Fix" value={fix} onChange={(event) => onFix(event.currentTarget.value)}>
        <option value="">as they are</option>
        {FIXES.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      {fix !== '' && vectors.length > 1 && (
        <select
          aria-label="Vector that is fixed"
          value={vector ?? ' '}
          onChange={({ currentTarget: { value } }) => onVector(value === ' ' ? null : value)}
        >
          <option value=" ">all vectors</option>
          {vectors.map((one) => (
            <option key={one} value={one}>
              {one || 'unnamed'}
            </option>
          ))}
        </select>
      )}
      <button type="submit" disabled={count === 0}>
        Store {whole(count)} {count === 1 ? 'row' : 'rows'}
      </button>
    </>
  )
}

function Result({ result: { repaired, kept, absent, errors } }: { result: RepairResult }) {
  return (
    <div aria-live="polite">
      <p>
        {whole(repaired)} stored, {whole(kept)} stay{absent > 0 ? `, ${whole(absent)} were gone already` : ''}.
      </p>
      {errors.length > 0 && (
        <ul class="warnings" aria-label="Rows that stay">
          {errors.map(({ id, error, rule }) => (
            <li key={id}>
              {id}: {error} {rule && <span class="quiet">({rule})</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
