import { useState } from 'preact/hooks'
import { Confirm } from '../../parts/confirm'
import { JsonDialog } from '../../parts/json-dialog'
import { May } from '../../parts/may'
import { linkTo } from '../../parts/place'
import { whole } from '../../parts/words'
import { ask } from '../../service/session'
import type { Point } from '../../service/types'
import type { Condition } from './filter-bar'
import { pathOf, Value } from './value'

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
  const close = () => {
    setOpen(null)
    onChange()
  }
  return (
    <article class="card" aria-label={`Point ${point.id}`}>
      <header>
        <h2>{String(point.id)}</h2>
      </header>
      <dl>
        {fields.slice(0, most).map(([key, value]) => (
          <>
            <dt key={`${key} key`}>{key}</dt>
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
        <a href={linkTo(['collections', name, 'query'], { id: JSON.stringify(point.id) })}>Neighbours</a>
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
        // It replaces the stored payload whole: fields that were taken out are gone.
        <JsonDialog
          title={`Payload of point ${point.id}`}
          label="Payload"
          value={point.payload ?? {}}
          action="Store it"
          run={async (payload: object) => {
            await ask('PUT', `${path}/points/payload?wait=true`, { payload, points: [point.id] })
          }}
          onDone={close}
        />
      )}
      {open === 'delete' && (
        <Confirm
          title={`Delete point ${point.id}`}
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
