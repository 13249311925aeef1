# Weir in a container: the same locked requirements as `make install`, without the tools.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY . .
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist .

FROM python:3.11-slim
COPY requirements/runtime.txt /tmp/runtime.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/runtime.txt && rm /tmp/runtime.txt
COPY --from=build /build/dist/ /tmp/dist/
RUN pip install --no-cache-dir --no-deps /tmp/dist/*.whl && rm -r /tmp/dist \
    && useradd --create-home --uid 10001 weir \
    && install -d -o weir -g weir /data
USER weir
VOLUME /data
ENTRYPOINT ["weir"]
CMD ["--help"]
