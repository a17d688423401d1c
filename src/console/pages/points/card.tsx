import { useState } from 'preact/hooks'
import { Confirm } from '../../parts/confirm'
import { JsonDialog } from '../../parts/json-dialog'
import { May } from '../../parts/may'
import { linkTo } from '../../parts/place'
import { whole } from '../../parts/words'
import { isSame, writeJson } from '../../service/exact-json'
import { ask } from '../../service/session'
import type { Point } from '../../service/types'
import type { Condition } from './conditions'
import { cut, pathOf, Value } from './value'

/** Fields of a payload that a card shows before it is unfolded. */
const FIELDS = 12

interface Parts {
  name: string
  path: string
  point: Point
  onPick: (condition: Condition) => void
  onChange: () => void
}

/** A point: its payload first. */
export function Card({ name, path, point, onPick, onChange }: Parts) {
  const [most, setMost] = useState(FIELDS)
  const [open, setOpen] = useState<'edit' | 'delete' | null>(null)
  const fields = Object.entries(point.payload ?? {})
  const id = String(point.text_id ?? point.id)
  const close = () => {
    setOpen(null)
    onChange()
  }
  return (
    <article class="card" aria-label={`Point ${id}`}>
      <header>
        <h2>{id}</h2>
      </header>
      <dl>
        {fields.slice(0, most).map(([key, value]) => (
          <>
            <dt key={`${key} key`}>{cut(key)}</dt>
            <dd key={key}>
              <Value value={value} path={pathOf(key)} onPick={onPick} />
            </dd>
          </>
        ))}
      </dl>
      {fields.length > most && (
        <button type="button" class="plain" onClick={() => setMost(most + 100)}>
          {whole(fields.length - most)} more fields
        </button>
      )}
      <footer>
        <a href={linkTo(['collections', name, 'query'], { id: writeJson(point.id) })}>Neighbours</a>
        <May change="points" of={name}>
          <button type="button" class="plain" onClick={() => setOpen('edit')}>
            Edit
          </button>
          <button type="button" class="danger" onClick={() => setOpen('delete')}>
            Delete …
          </button>
        </May>
      </footer>
      {open === 'edit' && (
        <JsonDialog
          title={`Payload of point ${id}`}
          label="Payload"
          value={point.payload ?? {}}
          action="Store it"
          run={async (payload: Record<string, unknown>) => {
            const operations = changesOf(point, payload)
            if (operations.length > 0) await ask('POST', `${path}/points/batch?wait=true`, { operations })
          }}
          onDone={close}
        />
      )}
      {open === 'delete' && (
        <Confirm
          title={`Delete point ${id}`}
          text="Its vectors and its payload are deleted."
          action="Delete it"
          run={async () => {
            await ask('POST', `${path}/points/delete?wait=true`, { points: [point.id] })
          }}
          onDone={close}
        />
      )}
    </article>
  )
}

/** Operations on the keys that were changed or taken out. Other keys keep the values that others wrote meanwhile. */
function changesOf({ id, payload: before }: Point, after: Record<string, unknown>): object[] {
  const changed = Object.entries(after).filter(([key, value]) => !isSame(value, before?.[key]))
  const removed = Object.keys(before ?? {}).filter((key) => !(key in after))
  return [
    ...(changed.length > 0 ? [{ set_payload: { payload: Object.fromEntries(changed), points: [id] } }] : []),
    ...(removed.length > 0 ? [{ delete_payload: { keys: removed.map(pathOf), points: [id] } }] : []),
  ]
}
