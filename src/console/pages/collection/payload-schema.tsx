import { useState } from 'preact/hooks'
import { ErrorLine, Section, Table } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { percent, whole } from '../../parts/words'
import { useMay } from '../../service/rights'
import { ask } from '../../service/session'
import type { CollectionInfo } from '../../service/types'

const KINDS = ['keyword', 'integer', 'float', 'bool', 'geo', 'datetime', 'text', 'uuid']

interface Parts {
  name: string
  path: string
  info: CollectionInfo
  onChange: () => void
}

/** Indexed payload keys with the share of points that have them. */
export function PayloadSchema({ name, path, info, onChange }: Parts) {
  const mayChange = useMay('extras', name)
  const [removed, setRemoved] = useState<string | null>(null)
  const keys = Object.entries(info.payload_schema)
  return (
    <Section title="Payload indexes">
      {keys.length > 0 && (
        <Table label="Payload indexes">
          <thead>
            <tr>
              <th>Key</th>
              <th>Kind</th>
              <th>Points</th>
              <th>Coverage</th>
              <th>
                <span class="quiet">Change</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map(([key, { data_type, points }]) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td>{data_type}</td>
                <td>{whole(points)}</td>
                <td>{info.points_count ? percent(points / info.points_count) : '–'}</td>
                <td>
                  <button type="button" class="danger" hidden={!mayChange} onClick={() => setRemoved(key)}>
                    Remove …
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {mayChange && <NewIndex path={path} onChange={onChange} />}
      {removed !== null && (
        <Confirm
          title="Remove the index"
          text={`Filters on ${removed} still work; they become slower. The payload stays.`}
          name={removed}
          action="Remove it"
          run={async () => {
            await ask('DELETE', `${path}/index/${encodeURIComponent(removed)}?wait=true`)
          }}
          onDone={() => {
            setRemoved(null)
            onChange()
          }}
        />
      )}
    </Section>
  )
}

function NewIndex({ path, onChange }: { path: string; onChange: () => void }) {
  const [error, setError] = useState<Error | null>(null)
  const [key, setKey] = useState('')
  const [kind, setKind] = useState('keyword')
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await ask('PUT', `${path}/index?wait=true`, { field_name: key, field_schema: kind })
      setError(null)
      setKey('')
      onChange()
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <>
      <form class="row" onSubmit={submit}>
        <input
          aria-label="Payload key to index"
          placeholder="Payload key"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <select aria-label="Kind of index" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          {KINDS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <button type="submit" disabled={key === ''}>
          Index it
        </button>
      </form>
      <ErrorLine error={error} />
    </>
  )
}
