# Every RUN step here is also run as a plain command by test/packaging/dockerfile.test.ts.

FROM node:22-bookworm-slim AS build
WORKDIR /app
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends g++ make python3
COPY package.json package-lock.json ./
RUN npm ci --include=dev --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/run.mjs prebuild
# What a store needs: optional peers, so that no other installation pays for them.
RUN mkdir stores && mv node_modules/opendal node_modules/@opendal node_modules/@slatedb node_modules/koffi stores/
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund
RUN mv stores/* node_modules/

FROM node:22-bookworm-slim
WORKDIR /app
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/prebuilds ./prebuilds
# 1000 is the image's own user `node`.
RUN install -d -m 0700 -o 1000 -g 1000 /data
USER 1000:1000
ENV NODE_ENV=production VICINAL_DATA=/data VICINAL_HOST=0.0.0.0 VICINAL_PORT=6333
VOLUME /data
EXPOSE 6333
# By the settings of the environment and of VICINAL_CONFIG, TLS included; flags of the command are not known here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["node", "dist/cli/main.js", "health"]
# Listening beyond the container needs a key: docker run -e VICINAL_API_KEY=… -v vicinal:/data -p 127.0.0.1:6333:6333
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
