# Images of ChurnGuard, a target per component:
#   docker build --target serving --tag churnguard-serving .      (make images builds all of them)
#
# Each component has three stages: its plan (our wheels, and the libraries they need with the hashes of the lock), its
# libraries, its code. An image is the base, a layer of libraries and a small layer of code; the tools stay behind.
ARG BASE=docker.io/library/python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

FROM ${BASE} AS base

# What builds and installs, as the lock has it. A stage of its own, so that what follows is built again when these lines
# of the lock change, and not with every other one.
FROM base AS tool-requirements
COPY requirements.lock .
COPY tools/image/tool-requirements .
RUN ./tool-requirements requirements.lock > /tool-requirements.txt

# Every RUN that installs may get a certificate authority, see tools/image/environment.
FROM base AS tools
WORKDIR /build
COPY tools/image tools
COPY --from=tool-requirements /tool-requirements.txt .
RUN --mount=type=secret,id=ca tools/tools

# What every image starts from. A published base brings the standard library without byte code, and pip.
FROM base AS runtime
COPY tools/image/runtime /build/runtime
RUN /build/runtime && rm -rf /build
ENV PATH=/app/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
# A number, so that a cluster can see that it is not root.
USER 65532:65532

FROM tools AS training-plan
COPY requirements.lock .
COPY core core
COPY scoring scoring
COPY simulator simulator
COPY storage storage
COPY training training
RUN --mount=type=secret,id=ca tools/plan training

FROM tools AS training-libraries
COPY --from=training-plan /build/requirements.txt .
RUN --mount=type=secret,id=ca tools/libraries

FROM training-libraries AS training-code
COPY --from=training-plan /build/wheels wheels
RUN tools/code

FROM runtime AS training
COPY --from=training-libraries /app /app
COPY --from=training-code /code /app
ENTRYPOINT ["churnguard-train"]

FROM tools AS serving-plan
COPY requirements.lock .
COPY core core
COPY scoring scoring
COPY storage storage
COPY web web
COPY serving serving
RUN --mount=type=secret,id=ca tools/plan serving

FROM tools AS serving-libraries
COPY --from=serving-plan /build/requirements.txt .
RUN --mount=type=secret,id=ca tools/libraries

FROM serving-libraries AS serving-code
COPY --from=serving-plan /build/wheels wheels
RUN tools/code

FROM runtime AS serving
COPY --from=serving-libraries /app /app
COPY --from=serving-code /code /app
EXPOSE 8080 8081
ENTRYPOINT ["churnguard-serve"]

FROM tools AS operator-plan
COPY requirements.lock .
COPY core core
COPY operator operator
RUN --mount=type=secret,id=ca tools/plan operator

FROM tools AS operator-libraries
COPY --from=operator-plan /build/requirements.txt .
RUN --mount=type=secret,id=ca tools/libraries

FROM operator-libraries AS operator-code
COPY --from=operator-plan /build/wheels wheels
RUN tools/code

FROM runtime AS operator
COPY --from=operator-libraries /app /app
COPY --from=operator-code /code /app
EXPOSE 8080
ENTRYPOINT ["churnguard-operator"]

FROM tools AS collector-plan
COPY requirements.lock .
COPY core core
COPY web web
COPY eventlog eventlog
COPY eventstore eventstore
COPY collector collector
RUN --mount=type=secret,id=ca tools/plan collector

FROM tools AS collector-libraries
COPY --from=collector-plan /build/requirements.txt .
RUN --mount=type=secret,id=ca tools/libraries

FROM collector-libraries AS collector-code
COPY --from=collector-plan /build/wheels wheels
RUN tools/code

FROM runtime AS collector
COPY --from=collector-libraries /app /app
COPY --from=collector-code /code /app
EXPOSE 8080
ENTRYPOINT ["churnguard-collector"]

FROM tools AS streaming-plan
COPY requirements.lock .
COPY core core
COPY web web
COPY eventlog eventlog
COPY eventstore eventstore
COPY streaming streaming
RUN --mount=type=secret,id=ca tools/plan streaming

FROM tools AS streaming-libraries
COPY --from=streaming-plan /build/requirements.txt .
RUN --mount=type=secret,id=ca tools/libraries

FROM streaming-libraries AS streaming-code
COPY --from=streaming-plan /build/wheels wheels
RUN tools/code

FROM runtime AS streaming
COPY --from=streaming-libraries /app /app
COPY --from=streaming-code /code /app
EXPOSE 8080
ENTRYPOINT ["churnguard-land"]
