/** The changes that `tune` makes: codes and graph of a vector, and the recall of queries that ask for none. */
import { useState } from 'preact/hooks'
import { Section } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { Difference } from '../../parts/difference'
import { ask } from '../../service/session'
import { type CollectionInfo, type HnswConfig, vectorsOf } from '../../service/types'

const DEFAULT_RECALL = 0.95
const CODES = ['auto', 'none', 'sq8', 'rabitq4', 'rabitq1']
const EDGES = [8, 16, 24, 32, 48]

/** As PATCH /collections/NAME takes them, for the vector or for the collection. */
export interface VectorChange {
  quantization?: string
  hnsw_config?: HnswConfig
}

export interface Settings {
  quantization: string
  m: number
  recall: number
}

/** The settings in use: the vector's own, or else the collection's. */
export function settingsOf({ config, ...info }: CollectionInfo, using: string): Settings {
  const own = vectorsOf({ ...info, config })[using]
  const { m = 16, recall = DEFAULT_RECALL } = { ...config.hnsw_config, ...own?.hnsw_config }
  return { quantization: own?.quantization ?? config.quantization, m, recall }
}

interface Parts {
  settings: Settings
  onChange: (change: VectorChange) => void
}

export function CodesAndGraph({ settings, onChange }: Parts) {
  const [codes, setCodes] = useState(settings.quantization)
  const [m, setM] = useState(settings.m)
  const change = {
    ...(codes === settings.quantization ? {} : { quantization: codes }),
    ...(m === settings.m ? {} : { hnsw_config: { m } }),
  }
  const edges = [...new Set([...EDGES, settings.m])].sort((a, b) => a - b)
  return (
    <Section title="Codes and graph">
      <div class="row">
        <label class="row">
          Codes
          <select value={codes} onChange={(event) => setCodes(event.currentTarget.value)}>
            {[...new Set([...CODES, settings.quantization])].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="row">
          Edges of a vertex (m)
          <select value={m} onChange={(event) => setM(Number(event.currentTarget.value))}>
            {edges.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="button" disabled={Object.keys(change).length === 0} onClick={() => onChange(change)}>
          Show the change …
        </button>
      </div>
      <p class="quiet small">
        <code>vicinal tune</code> builds them all beside the collection, measures each and takes the fastest. Fewer bits
        and edges take less memory and more effort for the same recall.
      </p>
    </Section>
  )
}

interface ChangeParts {
  path: string
  info: CollectionInfo
  using: string
  change: VectorChange
  onDone: () => void
}

/** Shown before it is made. A collection's only vector is changed with the collection, as `tune` does. */
export function SettingsChange({ path, info, using, change, onDone }: ChangeParts) {
  const vectors = vectorsOf(info)
  const own = vectors[using]
  const isOwn = Object.keys(vectors).length > 1 || own?.hnsw_config !== undefined || own?.quantization !== undefined
  const before = settingsOf(info, using)
  const { hnsw_config: { m = before.m, recall = before.recall } = {}, quantization = before.quantization } = change
  const isRebuilt = m !== before.m || quantization !== before.quantization
  const body = isOwn ? { vectors: { [using]: change } } : change
  return (
    <Confirm
      title={isOwn ? `Change the vector ${using || 'without a name'}` : 'Change the collection'}
      text={
        isRebuilt
          ? 'Segments are rebuilt in the background. All stays searchable meanwhile.'
          : 'It holds for queries that ask for no recall themselves. Nothing is rebuilt.'
      }
      action="Change it"
      isHarmless
      run={async () => {
        await ask('PATCH', path, body)
      }}
      onDone={onDone}
    >
      <Difference before={before} after={{ quantization, m, recall }} />
      <p class="small">
        <code>{`PATCH ${path} ${JSON.stringify(body)}`}</code>
      </p>
    </Confirm>
  )
}
