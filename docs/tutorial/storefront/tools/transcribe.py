from transformers import pipeline

asr = pipeline("automatic-speech-recognition", model="openai/whisper-large-v3")
