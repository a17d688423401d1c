import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Code } from '../../parts/code'
import { writeJson } from '../../service/exact-json'
import { useMay } from '../../service/rights'
import { ask } from '../../service/session'
import type { CollectionInfo } from '../../service/types'

const EXAMPLE = '{\n  "hnsw_config": { "ef_construct": 200 }\n}'

/** The configuration as it is, and a change of it, shown before it is made. */
interface Parts {
  name: string
  path: string
  info: CollectionInfo
  onChange: () => void
}

export function Configuration({ name, path, info, onChange }: Parts) {
  const mayChange = useMay('all', name)
  const [change, setChange] = useState<string | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await ask('PATCH', path, change ?? '')
      setError(null)
      setChange(null)
      onChange()
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <Section
      title="Configuration"
      beside={
        change === null &&
        mayChange && (
          <button type="button" class="plain" onClick={() => setChange(EXAMPLE)}>
            Change …
          </button>
        )
      }
    >
      {change !== null && (
        <form onSubmit={submit}>
          <label>
            Fields to change, as PATCH /collections/NAME takes them
            <textarea
              rows={6}
              spellcheck={false}
              value={change}
              onInput={(event) => setChange(event.currentTarget.value)}
            />
          </label>
          <ErrorLine error={error} />
          <p class="row">
            <button type="submit">Change them</button>
            <button type="button" class="plain" onClick={() => setChange(null)}>
              Cancel
            </button>
          </p>
        </form>
      )}
      <Code label="Configuration" text={writeJson(info.config, null, 2)} />
    </Section>
  )
}
