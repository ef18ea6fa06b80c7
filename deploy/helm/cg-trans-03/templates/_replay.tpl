{{/* What a replay Job is. Takes root and arguments. */}}
{{- define "cg.replayJob" -}}
{{- $v := .root.Values -}}
{{- $replay := $v.replay -}}
{{- $resources := deepCopy $replay.resources -}}
{{- if not $replay.volume.persistent -}}
{{- $disk := dict "ephemeral-storage" $replay.volume.size -}}
{{- $resources = mergeOverwrite $resources (dict "requests" $disk "limits" $disk) -}}
{{- end -}}
{{- $scope := merge (dict "role" "replay" "suffix" "") . -}}
backoffLimit: {{ $replay.retries }}
activeDeadlineSeconds: {{ int64 $replay.deadlineSeconds }}
# Two pods must never write one job folder.
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    # A drained node is no attempt.
    - action: Ignore
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    # Wrong arguments or settings do not become right by trying again.
    - action: FailJob
      onExitCodes: {containerName: replay, operator: In, values: [2]}
template:
  metadata:
    labels:
      {{- include "cg.labels" .root | nindent 6 }}
      app.kubernetes.io/component: replay
    {{- with $v.podAnnotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    restartPolicy: Never
    {{- include "cg.podSecurity" .root | nindent 4 }}
    terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
    {{- with $replay.priorityClassName }}
    priorityClassName: {{ . }}
    {{- end }}
    {{- with $replay.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $replay.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $replay.affinity }}
    affinity:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    containers:
      - name: replay
        image: {{ include "cg.image" .root }}
        imagePullPolicy: {{ $v.image.pullPolicy }}
        # Exit code 3 says that the replay found changes. To Kubernetes each code but 0 is a failure
        # to be tried again, and no policy can tell it otherwise.
        command:
          - python
          - -c
          - |
            import sys
            from stream_app.cli.main import run
            try:
                run(sys.argv[1:])
            except SystemExit as done:
                sys.exit(0 if done.code == 3 else done.code)
        args:
          - replay
          - --job
          - /var/lib/cg-trans-03/$(JOB_NAME)
          {{- range .arguments }}
          - {{ . | quote }}
          {{- end }}
        env:
          # The next attempt finds the folder under the same name, and goes on there.
          - name: JOB_NAME
            valueFrom:
              fieldRef:
                fieldPath: metadata.labels['batch.kubernetes.io/job-name']
          {{- include "cg.env" $scope | nindent 10 }}
          - name: CG_TRANS_03_METRICS_HOST
            value: 0.0.0.0
          - name: CG_TRANS_03_METRICS_PORT
            value: "9464"
          # /tmp is small; sorting is done where there is room.
          - name: SQLITE_TMPDIR
            value: /var/lib/cg-trans-03
        ports:
          - name: metrics
            containerPort: 9464
        resources:
          {{- toYaml $resources | nindent 10 }}
        securityContext:
          {{- include "cg.containerSecurity" .root | nindent 10 }}
        volumeMounts:
          {{- include "cg.mounts" $scope | nindent 10 }}
          - name: jobs
            mountPath: /var/lib/cg-trans-03
    volumes:
      {{- include "cg.volumes" $scope | nindent 6 }}
      - name: jobs
        {{- if $replay.volume.persistent }}
        persistentVolumeClaim:
          claimName: {{ include "cg.name" .root }}-replay
        {{- else }}
        emptyDir:
          sizeLimit: {{ $replay.volume.size }}
        {{- end }}
{{- end }}
